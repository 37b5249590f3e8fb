-- One row per group's member as Trading Grid has it now: its latest edition.
-- Grain: group_id, partner_id, joined_at
-- Refresh: by group_id, partner_id, joined_at
-- Spine: core.group_members_history
with editions as (select * from core.group_members_history),

ranked as (
    select
        *,
        row_number() over (
            partition by group_id, partner_id, joined_at
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
