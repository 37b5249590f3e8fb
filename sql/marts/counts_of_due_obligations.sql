-- One row per partner, division, month and name of a count: how many of what the partner was sent and is due it is true
-- of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of freshness.obligations
-- Changes at: freshness.obligations.due_at
-- What the on-time rate of K4 is made of (docs/domain.md, 11; docs/figures.md), in the month of the sending. dimension is
-- partner (by month), brand or classification (all months).
with fallen_due as (select * from freshness.obligations where sent_at is not null and due_at <= $as_of),

assets as (select * from core.assets),

named as (
    select partner_id, asset_id, sent_at as counted_at, 'sent_and_due' as counted
    from fallen_due
    union all
    select partner_id, asset_id, sent_at as counted_at, 'due_and_acknowledged' as counted
    from fallen_due
    where state = 'acknowledged'
),

divided as (
    select
        named.partner_id,
        utc_month(named.counted_at) as month,
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
