-- One row per issue that counts as resolved while its reporter still holds the faulty version.
-- Grain: finding_id
-- Refresh: by issue_id
-- Spine: core.issues
-- Touched by: freshness.held_copies(partner_id, asset_id) through core.issues
-- docs/domain.md, 8. A warning where the reporter holds a newer version beside it.
with issues as (
    select * from core.issues
    where status in ('partner_notified', 'confirmed')
        and category in ('outdated', 'wrong_format', 'wrong_territory', 'corrupt')
),

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

conditions as (
    select
        'issue_resolved_but_held:issue:' || issue_id as finding_id,
        'issue_resolved_but_held' as rule,
        case when newest_held_version_no > version_no then 'warning' else 'error' end as severity,
        'issue' as subject_type,
        issue_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        'the issue is ' || status || ', but its reporter still holds the faulty version' as detail,
        issue_id
    from still_held
)

select * from conditions
