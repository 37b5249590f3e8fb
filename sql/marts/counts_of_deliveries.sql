-- One row per partner, division, month and name of a count: of how many deliveries to it that arrived it is true.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: full
-- What K13 counts of deliveries (docs/domain.md, 11; docs/figures.md). dimension is partner (by month), brand or
-- classification (all months). Deliveries to nobody known are in marts.counts_of_nobody.
with delivered as (
    select * from freshness.delivered where partner_id is not null and delivered_at <= $as_of
),

deliveries as (select * from core.deliveries),

assets as (select * from core.assets),

divided as (
    select
        delivered.partner_id,
        utc_month(delivered.delivered_at) as month,
        deliveries.checksum_sha256 is not null as has_digest,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from delivered
    inner join deliveries on deliveries.delivery_id = delivered.delivery_id
    left join assets on assets.asset_id = delivered.asset_id
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
        coalesce(month, 'all') as period,
        count(*) as deliveries,
        count(*) filter (where has_digest) as with_digest
    from divided
    group by grouping sets ((partner_id, month), (partner_id, brand), (partner_id, classification))
),

counts as (
    select partner_id, dimension, dimension_value, period, 'deliveries' as counted, deliveries as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, period, 'deliveries_with_digest' as counted, with_digest as things
    from grouped
),

counted as (select * from counts where things > 0)

select * from counted
