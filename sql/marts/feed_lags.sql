-- One row per stream, month and lag in whole seconds: how many records came to us that long after what they tell of.
-- Grain: stream, month, is_backlog, lag_seconds
-- Refresh: sums of core.access_events_history, core.acknowledgments_history, core.deliveries_history
-- Changes at: core.access_events_history.occurred_at, core.acknowledgments_history.occurred_at
-- Changes at: core.deliveries_history.status_at
-- Unmoved by: ops.pages
-- What the feed lag of K13 counts (docs/domain.md, 11): from occurred_at (a delivery's status_at) to known_at, of a
-- record's first edition. What the first turn that had the stream brought is a backlog, which says nothing about the
-- feed.
with pages as (select * from ops.pages where new > 0),

event_editions as (
    select 'access_events' as stream, turn_no, occurred_at, known_at from core.access_events_history where edition = 1
),

acknowledgment_editions as (
    select 'acknowledgments' as stream, turn_no, occurred_at, known_at
    from core.acknowledgments_history
    where edition = 1
),

delivery_editions as (
    select 'deliveries' as stream, turn_no, status_at as occurred_at, known_at
    from core.deliveries_history
    where edition = 1
),

editions as (
    select * from event_editions
    union all
    select * from acknowledgment_editions
    union all
    select * from delivery_editions
),

first_turns as (select stream, min(turn_no) as turn_no from pages group by stream),

lags as (
    select
        editions.stream,
        utc_month(editions.occurred_at) as month,
        editions.turn_no = first_turns.turn_no as is_backlog,
        case
            when editions.turn_no > first_turns.turn_no
                then cast(floor(seconds_between(editions.occurred_at, editions.known_at)) as bigint)
            else 0
        end as lag_seconds
    from editions
    inner join first_turns on first_turns.stream = editions.stream
    where editions.occurred_at <= $as_of
),

feed_lags as (
    select stream, month, is_backlog, lag_seconds, count(*) as records
    from lags
    group by stream, month, is_backlog, lag_seconds
)

select * from feed_lags
