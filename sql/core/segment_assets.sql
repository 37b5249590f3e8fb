-- One row per asset in a segment as VIP has it now: its latest edition.
-- Grain: segment_id, asset_id, added_at
-- Refresh: by segment_id, asset_id, added_at
-- Spine: core.segment_assets_history
with editions as (select * from core.segment_assets_history),

ranked as (
    select
        *,
        row_number() over (
            partition by segment_id, asset_id, added_at
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
