-- One row per access event that corrects another one: its id, and the id of the event that it replaces.
-- Grain: superseding_event_id
-- Refresh: by superseding_event_id
-- Keyed in: core.access_events_history(superseding_event_id = event_id)
-- Spine: core.access_events_history
-- As the latest edition of the correcting event says (docs/domain.md, 3).
with editions as (select * from core.access_events_history),

correcting as (select distinct event_id from editions where supersedes_event_id is not null),

ranked as (
    select
        editions.event_id,
        editions.supersedes_event_id,
        row_number() over (
            partition by editions.event_id
            order by editions.ordered_at desc, coalesce(editions.record_sha256, '') desc, editions.edition desc
        ) as place
    from editions
    semi join correcting on correcting.event_id = editions.event_id
),

corrections as (
    select event_id as superseding_event_id, supersedes_event_id as event_id
    from ranked
    where place = 1 and supersedes_event_id <> event_id
)

select * from corrections
