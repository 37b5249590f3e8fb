-- One row per request and stretch of time that it spent in one state before it was first delivered, or ended otherwise.
-- Grain: request_id, from_at
-- Refresh: full
-- The last stretch of an open one ends at as_of (is_censored). The clock pauses in waiting_partner (docs/domain.md, 9,
-- P1; 11, K1). working_seconds are those of the business calendar, null outside the years that it covers.
with stages as (select * from marts.request_stages),

steps as (select * from core.request_events where occurred_at <= $as_of),

hours as (select * from ops.business_hours),

spans as (
    select
        request_id,
        started_at,
        outcome = 'open' as is_open,
        case when outcome = 'open' then $as_of else ended_at end as ended_at
    from stages
),

points as (
    select request_id, started_at as from_at, '' as event_id, 'new' as status
    from spans
    union all
    select steps.request_id, steps.occurred_at as from_at, steps.event_id, steps.to_status as status
    from steps
    inner join spans
        on spans.request_id = steps.request_id
        and spans.started_at <= steps.occurred_at
        and spans.ended_at >= steps.occurred_at
),

followed as (
    select
        *,
        lead(from_at) over (partition by request_id order by from_at, event_id) as followed_at
    from points
),

stretches as (
    select
        followed.request_id,
        followed.from_at,
        least(coalesce(followed.followed_at, spans.ended_at), spans.ended_at) as until_at,
        followed.status,
        followed.status = 'waiting_partner' as is_paused,
        followed.followed_at is null and spans.is_open as is_censored
    from followed
    inner join spans on spans.request_id = followed.request_id
),

not_empty as (select * from stretches where from_at < until_at),

measured as (
    select
        not_empty.*,
        seconds_between(not_empty.from_at, not_empty.until_at) as calendar_seconds,
        round(
            (ends.seconds_before - begins.seconds_before)
            + case when ends.is_open then seconds_between(ends.from_at, not_empty.until_at) else 0 end
            - case when begins.is_open then seconds_between(begins.from_at, not_empty.from_at) else 0 end,
            6
        ) as working_seconds
    from not_empty
    left join hours as begins
        on begins.utc_day = cast(timezone('UTC', not_empty.from_at) as date)
        and begins.from_at <= not_empty.from_at
        and begins.until_at > not_empty.from_at
    left join hours as ends
        on ends.utc_day = cast(timezone('UTC', not_empty.until_at) as date)
        and ends.from_at <= not_empty.until_at
        and ends.until_at > not_empty.until_at
),

request_stretches as (
    select
        *,
        case when is_censored then $as_of + interval 1 microsecond end as next_change_at
    from measured
)

select * from request_stretches
