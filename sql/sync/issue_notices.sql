-- One row per notice that is due about an exception: to its reporter what came of it, to another holder that no version replaces its own.
-- Grain: partner_id, subject_type, subject_id, step
-- Refresh: full
-- The reporter is told of the two steps that ask something of it (partner_notified, rejected), in each round; the others
-- stand in the issue's thread. Who else holds the faulty version hears of the replacement as of any new version
-- (sync.version_notices); one for whom the replacement is barred is told here, without a word of who reported what. said is for the template: docs/notices.md.
with rounds as (select * from audit.issue_rounds where is_asset_known and is_in_step),

reviews as (select * from audit.issue_reviews),

steps as (select * from core.issue_events where occurred_at <= $as_of),

deliveries as (select * from core.deliveries where status not in ('failed', 'cancelled', 'expired')),

held_copies as (select * from freshness.held_copies where version_no is not null),

partners as (select * from core.partners),

version_terms as (select * from freshness.version_terms where is_barred),

answered as (select * from rounds where status in ('partner_notified', 'rejected')),

replaced_in_round as (
    select distinct answered.issue_id
    from answered
    inner join steps
        on steps.issue_id = answered.issue_id
        and steps.to_status = 'replacement_published'
        and steps.occurred_at >= answered.round_started_at
),

sent as (
    select distinct answered.issue_id
    from answered
    inner join deliveries
        on deliveries.partner_id = answered.partner_id
        and deliveries.asset_id = answered.asset_id
        and deliveries.version_no = answered.target_version_no
        and deliveries.created_at >= answered.round_started_at
),

to_reporters as (
    select
        answered.partner_id,
        answered.asset_id,
        answered.faulty_version_no as version_no,
        answered.status || ':' || answered.issue_id || ':' || answered.round as step,
        'issue_' || answered.status as rule,
        answered.status_since as notice_due_at,
        'issue' as subject_type,
        answered.issue_id as subject_id,
        answered.classification = 'safety' as is_urgent,
        json_object(
            'issue_id', answered.issue_id,
            'status', answered.status,
            'issue_category', coalesce(answered.category, ''),
            'answer', case
                when answered.status = 'rejected' then 'rejected'
                when replaced_in_round.issue_id is not null then 'replacement'
                else 'should_have'
            end,
            'faulty_version', coalesce(cast(answered.version_no as varchar), ''),
            'replacement_version', case
                when answered.status = 'rejected' then ''
                else coalesce(cast(answered.target_version_no as varchar), '')
            end,
            'reason', case
                when answered.status <> 'rejected'
                    and answered.category = 'wrong_territory'
                    and (answered.is_version_barred or (answered.version_no is null and answered.holds_barred))
                    then 'barred_region'
                else ''
            end,
            'is_delivered', case when sent.issue_id is not null then 'yes' else '' end
        ) as said,
        to_json([answered.issue_id]) as evidence
    from answered
    left join replaced_in_round on replaced_in_round.issue_id = answered.issue_id
    left join sent on sent.issue_id = answered.issue_id
),

replaced as (
    select
        rounds.asset_id,
        rounds.faulty_version_no as version_no,
        reviews.replacement_version_no,
        list(distinct rounds.partner_id) as reporter_ids,
        list_sort(list(distinct reviews.review_id)) as review_ids,
        min(rounds.status_since) as notice_due_at,
        bool_or(rounds.classification = 'safety') as is_urgent
    from rounds
    inner join reviews on reviews.issue_id = rounds.issue_id
    where
        rounds.status in ('replacement_published', 'partner_notified', 'confirmed')
        and rounds.faulty_version_no is not null
        and reviews.outcome = 'replaced'
        and reviews.replacement_version_no is not null
    group by rounds.asset_id, rounds.faulty_version_no, reviews.replacement_version_no
),

to_holders as (
    select
        held_copies.partner_id,
        held_copies.asset_id,
        held_copies.version_no,
        'replaced:' || replaced.version_no || ':' || replaced.replacement_version_no as step,
        'holds_a_faulty_version_without_a_replacement' as rule,
        replaced.notice_due_at,
        'asset' as subject_type,
        held_copies.asset_id as subject_id,
        replaced.is_urgent,
        json_object(
            'status', 'replacement_published',
            'answer', 'holder',
            'faulty_version', cast(replaced.version_no as varchar),
            'replacement_version', ''
        ) as said,
        to_json(replaced.review_ids) as evidence
    from replaced
    inner join held_copies
        on held_copies.asset_id = replaced.asset_id
        and held_copies.version_no = replaced.version_no
    inner join partners on partners.partner_id = held_copies.partner_id
    inner join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = replaced.asset_id
        and version_terms.version_no = replaced.replacement_version_no
    where not list_contains(replaced.reporter_ids, held_copies.partner_id)
),

due as (
    select * from to_reporters
    union all by name
    select * from to_holders
),

issue_notices as (
    select
        partner_id,
        asset_id,
        cast(version_no as integer) as version_no,
        'issue_update' as kind,
        step,
        'P3' as pattern,
        rule,
        notice_due_at,
        subject_type,
        subject_id,
        is_urgent,
        said,
        evidence
    from due
)

select * from issue_notices
