-- One row per thing about an issue that contradicts the facts, or that the exception loop cannot settle by itself.
-- Grain: finding_id
-- Refresh: by issue_id
-- Spine: core.issues
-- Touched by: freshness.held_copies(partner_id, asset_id) through core.issues
-- docs/domain.md, 8; docs/patterns/exceptions.md. What persons did by hand stays as they did it, and is said here.
with issues as (
    select * from core.issues
    where status in ('partner_notified', 'confirmed')
        and category in ('outdated', 'wrong_format', 'wrong_territory', 'corrupt')
),

rounds as (select * from audit.issue_rounds),

reviews as (select * from audit.issue_reviews),

held_copies as (select * from freshness.held_copies where version_no is not null),

still_held as (
    select
        issues.issue_id,
        issues.partner_id,
        issues.asset_id,
        issues.version_no,
        issues.status,
        max(held_copies.version_no) as newest_held_version_no
    from issues
    inner join held_copies
        on held_copies.partner_id = issues.partner_id
        and held_copies.asset_id = issues.asset_id
    group by issues.issue_id, issues.partner_id, issues.asset_id, issues.version_no, issues.status
    having bool_or(held_copies.version_no = issues.version_no)
),

resolved_but_held as (
    select
        issue_id,
        'issue_resolved_but_held' as rule,
        case when newest_held_version_no > version_no then 'warning' else 'error' end as severity,
        partner_id,
        asset_id,
        version_no,
        'the issue is ' || status || ', but its reporter still holds the faulty version' as detail
    from still_held
),

open_rounds as (
    select
        rounds.*,
        reviews.outcome,
        reviews.replacement_version_no,
        reviews.is_replacement_barred,
        reviews.closed_review_id,
        reviews.lost_version_no,
        coalesce(rounds.target_version_no > rounds.faulty_version_no, false) as has_newer_target
    from rounds
    inner join reviews on reviews.issue_id = rounds.issue_id
    where rounds.status not in ('rejected', 'duplicate', 'confirmed')
),

unsettled as (
    select
        *,
        'issue_subject_unknown' as rule,
        'warning' as severity,
        'the issue names no file that VIP has: its reporter was asked which one it means' as detail
    from open_rounds
    where not is_asset_known and status not in ('reported', 'partner_notified')
    union all
    select
        *,
        'issue_partner_unmatched' as rule,
        'warning' as severity,
        'nobody can say what the reporter is called in VIP, so nothing can be sent to it' as detail
    from open_rounds
    where vip_partner_id is null and is_entitled and status in ('triaged', 'replacement_published')
    union all
    select
        *,
        'issue_replacement_lost' as rule,
        case when status = 'replacement_published' then 'error' else 'warning' end as severity,
        'the approved replacement, version ' || lost_version_no
        || ', was withdrawn before the reporter had it: a new review is needed' as detail
    from open_rounds
    where lost_version_no is not null and status in ('in_review', 'replacement_approved', 'replacement_published')
    union all
    select
        *,
        'issue_review_without_outcome' as rule,
        'warning' as severity,
        'the review was closed without an outcome: a new one is needed' as detail
    from open_rounds
    where
        closed_review_id is not null
        and coalesce(outcome, 'running') = 'running'
        and status in ('triaged', 'in_review', 'replacement_approved')
    union all
    select
        *,
        'issue_replacement_barred' as rule,
        'error' as severity,
        'the approved replacement, version ' || replacement_version_no || ', is barred for the reporter' as detail
    from open_rounds
    where is_replacement_barred and status in ('in_review', 'replacement_approved')
    union all
    select
        *,
        'issue_ahead_of_review' as rule,
        'warning' as severity,
        'the issue is ' || status || ', but no review approved a replacement, and no newer version is in force' as detail
    from open_rounds
    where
        status in ('replacement_approved', 'replacement_published')
        and outcome is distinct from 'replaced'
        and lost_version_no is null
        and not has_newer_target
    union all
    select
        *,
        'issue_reopened_again' as rule,
        'error' as severity,
        'the issue was reopened ' || times_reopened || ' times: its owner has to speak with the reporter' as detail
    from open_rounds
    where times_reopened >= 3
),

dismissed as (
    select
        *,
        case
            when is_version_withdrawn then 'that version has been withdrawn'
            when bytes_differ then 'what reached the reporter has another checksum than the version'
            when category = 'wrong_territory' and is_version_barred then 'that version is barred for the reporter'
            when category = 'outdated' and version_no < target_version_no then 'a newer version is in force for it'
            when category = 'outdated' and is_outdated then 'the reporter holds something else than the target'
            when category = 'missing' and is_entitled and position = 'never_held'
                then 'the reporter is entitled to it and never got it'
        end as but
    from rounds
    where status = 'rejected'
),

contradicted as (
    select
        *,
        'issue_rejected_but_right' as rule,
        'warning' as severity,
        'the issue was rejected, but ' || but as detail
    from dismissed
    where but is not null
),

revealed as (
    select
        *,
        'issue_duplicate_reveals_partner' as rule,
        'error' as severity,
        'the issue is a duplicate of another partner''s, whose number its reporter can see' as detail
    from rounds
    where status = 'duplicate' and reveals_another_partner
),

found as (
    select * from resolved_but_held
    union all
    select issue_id, rule, severity, partner_id, asset_id, version_no, detail from unsettled
    union all
    select issue_id, rule, severity, partner_id, asset_id, version_no, detail from contradicted
    union all
    select issue_id, rule, severity, partner_id, asset_id, version_no, detail from revealed
),

conditions as (
    select
        rule || ':issue:' || issue_id as finding_id,
        rule,
        severity,
        'issue' as subject_type,
        issue_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        detail,
        issue_id
    from found
)

select * from conditions
