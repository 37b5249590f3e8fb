-- One row per grant as VIP has it now: its latest edition.
-- Grain: grant_id
-- Refresh: by grant_id
-- Spine: core.grants_history
with editions as (select * from core.grants_history),

ranked as (
    select
        *,
        row_number() over (
            partition by grant_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
