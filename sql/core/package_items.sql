-- One row per item of a package as VIP has it now: its latest edition.
-- Grain: package_id, asset_id
-- Refresh: by package_id, asset_id
-- Spine: core.package_items_history
with editions as (select * from core.package_items_history),

ranked as (
    select
        *,
        row_number() over (
            partition by package_id, asset_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
