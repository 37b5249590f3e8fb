-- One row per grant, asset that it is about, and stretch of time in which it is: directly, by a segment, by a package.
-- Grain: grant_id, asset_id, reaches_from, reaches_until
-- Refresh: full
with grants as (select * from core.grants),

assets as (select * from core.assets),

contents as (select * from core.segment_assets),

coverage as (select * from freshness.segment_coverage),

packages as (select * from core.packages),

items as (select * from core.package_items),

by_asset as (
    select
        grant_id,
        object_id as asset_id,
        '-infinity'::timestamptz as reaches_from,
        'infinity'::timestamptz as reaches_until
    from grants
    where object_type = 'asset'
),

by_segment as (
    select
        grants.grant_id,
        contents.asset_id,
        contents.added_at as reaches_from,
        least(coalesce(contents.removed_at, 'infinity'::timestamptz), coverage.covers_until) as reaches_until
    from grants
    inner join coverage on coverage.ancestor_id = grants.object_id
    inner join contents on contents.segment_id = coverage.segment_id
    where grants.object_type = 'segment'
),

by_package as (
    select
        grants.grant_id,
        items.asset_id,
        case
            when grants.effect = 'allow' then coalesce(packages.embargo_until, '-infinity'::timestamptz)
            else '-infinity'::timestamptz
        end as reaches_from,
        'infinity'::timestamptz as reaches_until
    from grants
    inner join items on items.package_id = grants.object_id
    left join packages on packages.package_id = grants.object_id
    where grants.object_type = 'package'
),

reaches as (
    select * from by_asset
    union
    select * from by_segment
    union
    select * from by_package
),

limited as (
    select
        reaches.grant_id,
        reaches.asset_id,
        greatest(reaches.reaches_from, grants.valid_from) as reaches_from,
        least(
            reaches.reaches_until,
            coalesce(grants.valid_to, 'infinity'::timestamptz),
            coalesce(assets.deleted_at, 'infinity'::timestamptz)
        ) as reaches_until
    from reaches
    inner join grants on grants.grant_id = reaches.grant_id
    left join assets on assets.asset_id = reaches.asset_id
),

not_empty as (select distinct * from limited where reaches_from < reaches_until)

select * from not_empty
