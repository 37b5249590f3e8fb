-- One row per asset as VIP has it now: its latest edition; zone is the publisher's, or UTC where it names none that exists.
-- Grain: asset_id
-- Refresh: by asset_id
-- Spine: core.assets_history
with editions as (select * from core.assets_history),

ranked as (
    select
        *,
        row_number() over (
            partition by asset_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

zones as (select * from ops.zones),

zoned as (
    select
        latest.*,
        coalesce(zones.zone, 'UTC') as zone
    from latest
    left join zones on zones.zone = latest.publisher_timezone
)

select * from zoned
