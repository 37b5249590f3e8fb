-- One row per partner, division, month and name of a count: of how many of its acknowledgments it is true.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of core.acknowledgments, marts.unsolicited_acknowledgments
-- Changes at: core.acknowledgments.occurred_at
-- What K13 counts of acknowledgments (docs/domain.md, 11; docs/figures.md). dimension is partner (by month), brand or
-- classification (all months).
with acknowledgments as (select * from core.acknowledgments where occurred_at <= $as_of),

unsolicited as (select * from marts.unsolicited_acknowledgments),

assets as (select * from core.assets),

named as (
    select partner_id, asset_id, occurred_at, 'acknowledgments' as counted
    from acknowledgments
    union all
    select partner_id, asset_id, occurred_at, 'acknowledgments_with_digest' as counted
    from acknowledgments
    where content_digest is not null
    union all
    select partner_id, asset_id, occurred_at, 'acknowledgments_unsolicited' as counted
    from unsolicited
),

divided as (
    select
        named.partner_id,
        utc_month(named.occurred_at) as month,
        named.counted,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from named
    left join assets on assets.asset_id = named.asset_id
),

counted as (
    select
        partner_id,
        case
            when grouping(brand) = 0 then 'brand'
            when grouping(classification) = 0 then 'classification'
            else 'partner'
        end as dimension,
        coalesce(brand, classification, '') as dimension_value,
        coalesce(month, 'all') as period,
        counted,
        count(*) as things
    from divided
    group by
        grouping sets (
            (partner_id, counted, month), (partner_id, counted, brand), (partner_id, counted, classification)
        )
)

select * from counted
