-- One row per partner, division and name of a count: how many of the partner's positions it is true of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of freshness.positions
-- What K5 is made of (docs/domain.md, 11; docs/figures.md). dimension is partner (all of it), brand or classification.
with positions as (select * from freshness.positions),

assets as (select * from core.assets),

pairs as (
    select
        positions.partner_id,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification,
        len(positions.held_versions) > 0 and positions.target_version_no is not null as has_both,
        positions.position
    from positions
    left join assets on assets.asset_id = positions.asset_id
    where len(positions.held_versions) > 0 or positions.position = 'unknown_version'
),

grouped as (
    select
        partner_id,
        case
            when grouping(brand) = 0 then 'brand'
            when grouping(classification) = 0 then 'classification'
            else 'partner'
        end as dimension,
        coalesce(brand, classification, '') as dimension_value,
        count(*) filter (where has_both) as pairs_with_target,
        count(*) filter (where has_both and position = 'current') as pairs_current,
        count(*) filter (where position = 'unknown_version') as pairs_unknown_version
    from pairs
    group by grouping sets ((partner_id), (partner_id, brand), (partner_id, classification))
),

counts as (
    select partner_id, dimension, dimension_value, 'pairs_with_target' as counted, pairs_with_target as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, 'pairs_current' as counted, pairs_current as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, 'pairs_unknown_version' as counted, pairs_unknown_version as things
    from grouped
    union all
    select
        partner_id,
        dimension,
        dimension_value,
        'pairs_in_currency' as counted,
        pairs_with_target + pairs_unknown_version as things
    from grouped
),

counted as (
    select partner_id, dimension, dimension_value, 'all' as period, counted, things from counts where things > 0
)

select * from counted
