-- One row per life of a version in a place: the stretch [effective_at, ended_at) in which it is the target there.
-- Grain: region, zone, asset_id, version_no, effective_at
-- Refresh: by asset_id
-- Spine: freshness.every_life
-- docs/domain.md, 4. Where no version of the asset is barred in the region, these are the lives without bars.
with places as (select * from freshness.places),

terms as (select * from freshness.version_terms),

every_life as (select * from freshness.every_life),

regions_with_bars as (select distinct region, asset_id from terms where is_barred),

without_bars as (
    select
        places.region,
        places.zone,
        every_life.* exclude (is_bar_ignored, region, zone)
    from every_life
    inner join places on places.zone = every_life.zone
    left join regions_with_bars
        on regions_with_bars.region = places.region
        and regions_with_bars.asset_id = every_life.asset_id
    where every_life.is_bar_ignored and regions_with_bars.asset_id is null
),

lives as (
    select * from without_bars
    union all by name
    select * exclude (is_bar_ignored) from every_life where not is_bar_ignored
)

select * from lives
