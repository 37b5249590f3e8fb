-- One row per step of an issue as Trading Grid has it now: its latest edition.
-- Grain: event_id
-- Refresh: by event_id
-- Spine: core.issue_events_history
with editions as (select * from core.issue_events_history),

ranked as (
    select
        *,
        row_number() over (
            partition by event_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
