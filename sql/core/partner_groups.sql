-- One row per partner group as Trading Grid has it now: its latest edition.
-- Grain: group_id
-- Refresh: by group_id
-- Spine: core.partner_groups_history
with editions as (select * from core.partner_groups_history),

ranked as (
    select
        *,
        row_number() over (
            partition by group_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
