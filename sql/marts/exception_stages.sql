-- One row per issue that a partner reported by as_of: when its stages were reached, and which version is faulty.
-- Grain: issue_id
-- Refresh: full
-- docs/domain.md, 9, P3. reported_at: the step to reported, else its creation; triaged_at: the first step away from it.
-- version_no is the one that the issue names, else its first review. An issue of which no step is known at all has the
-- status that it is shown with; one whose steps are all still to come is reported. A row comes into being at
-- core.issues.created_at or a step's occurred_at.
with issues as (select * from core.issues),

steps as (select * from core.issue_events),

reviews as (
    select * from core.reviews where issue_id is not null and (opened_at is null or opened_at <= $as_of)
),

folded as (
    select
        issue_id,
        min(occurred_at) filter (where to_status = 'reported') as said_reported_at,
        min(occurred_at) as first_step_at,
        min(occurred_at) filter (where to_status <> 'reported' and occurred_at <= $as_of) as triaged_at,
        min(occurred_at) filter (where to_status = 'replacement_published' and occurred_at <= $as_of) as replaced_at,
        min(occurred_at) filter (where to_status = 'partner_notified' and occurred_at <= $as_of) as notified_at,
        min(occurred_at) filter (where to_status = 'confirmed' and occurred_at <= $as_of) as confirmed_at,
        count(*) filter (where to_status = 'reopened' and occurred_at <= $as_of) as times_reopened,
        arg_max(to_status, (occurred_at, event_id)) filter (where occurred_at <= $as_of) as last_status,
        min(occurred_at) filter (where occurred_at > $as_of) as next_step_at
    from steps
    group by issue_id
),

reviewed as (
    select
        issue_id,
        list_sort(list(review_id)) as review_ids,
        arg_min(version_no, (coalesce(opened_at, ordered_at), review_id)) filter (
            where version_no is not null
        ) as version_no,
        max(replacement_version_no) as replacement_version_no
    from reviews
    group by issue_id
),

stages as (
    select
        issues.issue_id,
        issues.partner_id,
        issues.asset_id,
        coalesce(issues.version_no, reviewed.version_no) as version_no,
        issues.category,
        issues.severity,
        issues.duplicate_of,
        coalesce(reviewed.review_ids, []) as review_ids,
        reviewed.replacement_version_no,
        case
            when folded.issue_id is not null then coalesce(folded.last_status, 'reported')
            else coalesce(issues.status, 'reported')
        end as status,
        coalesce(
            folded.said_reported_at, issues.created_at, folded.first_step_at, issues.ordered_at
        ) as reported_at,
        folded.triaged_at,
        folded.replaced_at,
        folded.notified_at,
        folded.confirmed_at,
        coalesce(folded.times_reopened, 0) as times_reopened,
        folded.next_step_at
    from issues
    left join folded on folded.issue_id = issues.issue_id
    left join reviewed on reviewed.issue_id = issues.issue_id
),

reported as (select * from stages where reported_at <= $as_of)

select * from reported
