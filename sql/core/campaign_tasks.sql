-- One row per campaign's task as Trading Grid has it now: its latest edition.
-- Grain: task_id
-- Refresh: by task_id
-- Spine: core.campaign_tasks_history
with editions as (select * from core.campaign_tasks_history),

ranked as (
    select
        *,
        row_number() over (
            partition by task_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
