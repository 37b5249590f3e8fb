-- One row per stream, measure and span in seconds: how many editions came to us that long after what they tell of.
-- Grain: stream, measure, seconds
-- Refresh: sums of core.access_events_history, core.deliveries_history, core.acknowledgments_history, core.request_events_history, core.issue_events_history, core.notices_history, core.assets_history, core.asset_versions_history, core.segments_history, core.grants_history, core.packages_history, core.reviews_history, core.partners_history, core.partner_users_history, core.partner_groups_history, core.requests_history, core.issues_history, core.comments_history, core.campaigns_history, core.campaign_tasks_history
-- Unmoved by: ops.pages, ops.turns
-- lag: from what happened (or was changed) until we knew of it. late: from what the source had recorded until the turn
-- before, which should have brought it; 0 where it was recorded since. What the first turn that had the stream brought
-- is a backlog and is not counted. Spans are rounded down, the more the longer they are.
with pages as (select * from ops.pages where new > 0),

turns as (select * from ops.turns),

first_turns as (select stream, min(turn_no) as turn_no from pages group by stream),

earlier as (select turn_no, lag(known_at) over (order by turn_no) as known_before_at from turns),

editions as (
    select 'access_events' as stream, turn_no, known_at, occurred_at as occurred_at, coalesce(recorded_at, occurred_at) as recorded_at from core.access_events_history
    union all
    select 'deliveries', turn_no, known_at, status_at, coalesce(updated_at, status_at) from core.deliveries_history
    union all
    select 'acknowledgments', turn_no, known_at, occurred_at, coalesce(updated_at, recorded_at, occurred_at) from core.acknowledgments_history
    union all
    select 'request_events', turn_no, known_at, occurred_at, occurred_at from core.request_events_history
    union all
    select 'issue_events', turn_no, known_at, occurred_at, occurred_at from core.issue_events_history
    union all
    select 'notices', turn_no, known_at, posted_at, posted_at from core.notices_history
    union all
    select 'assets', turn_no, known_at, updated_at, updated_at from core.assets_history
    union all
    select 'asset_versions', turn_no, known_at, updated_at, updated_at from core.asset_versions_history
    union all
    select 'segments', turn_no, known_at, updated_at, updated_at from core.segments_history
    union all
    select 'grants', turn_no, known_at, updated_at, updated_at from core.grants_history
    union all
    select 'packages', turn_no, known_at, updated_at, updated_at from core.packages_history
    union all
    select 'reviews', turn_no, known_at, updated_at, updated_at from core.reviews_history
    union all
    select 'partners', turn_no, known_at, updated_at, updated_at from core.partners_history
    union all
    select 'partner_users', turn_no, known_at, updated_at, updated_at from core.partner_users_history
    union all
    select 'partner_groups', turn_no, known_at, updated_at, updated_at from core.partner_groups_history
    union all
    select 'requests', turn_no, known_at, updated_at, updated_at from core.requests_history
    union all
    select 'issues', turn_no, known_at, updated_at, updated_at from core.issues_history
    union all
    select 'comments', turn_no, known_at, updated_at, updated_at from core.comments_history
    union all
    select 'campaigns', turn_no, known_at, updated_at, updated_at from core.campaigns_history
    union all
    select 'campaign_tasks', turn_no, known_at, updated_at, updated_at from core.campaign_tasks_history
),

spans as (
    select
        editions.stream,
        greatest(0, floor(seconds_between(editions.occurred_at, editions.known_at))) as lag_seconds,
        greatest(0, ceil(seconds_between(editions.recorded_at, earlier.known_before_at))) as late_seconds
    from editions
    inner join first_turns on first_turns.stream = editions.stream and first_turns.turn_no < editions.turn_no
    inner join earlier on earlier.turn_no = editions.turn_no
),

measured as (
    select stream, 'lag' as measure, lag_seconds as seconds from spans where lag_seconds is not null
    union all
    select stream, 'late', late_seconds from spans where late_seconds is not null
),

rounded as (
    select
        stream,
        measure,
        case
            when seconds < 120 then seconds
            when seconds < 7200 then floor(seconds / 60) * 60
            when seconds < 172800 then floor(seconds / 900) * 900
            else floor(seconds / 21600) * 21600
        end as seconds
    from measured
),

lags as (
    select stream, measure, cast(seconds as bigint) as seconds, count(*) as records
    from rounded
    group by stream, measure, seconds
)

select * from lags
