-- One row per partner, division, month and name of a count: how many of the partner's obligations it is true of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of freshness.obligations, marts.responses
-- What K3 and K4 are made of (docs/domain.md, 11; docs/figures.md), but for what fell due
-- (marts.counts_of_due_obligations). K3 counts who was to be told at the due instant itself, so no joiners, in the month
-- of that instant; K4 what was sent, in the month of its sending. dimension is partner (by month), brand or
-- classification (all months).
with obligations as (select * from freshness.obligations),

responses as (select * from marts.responses),

assets as (select * from core.assets),

named as (
    select partner_id, asset_id, notice_due_at as counted_at, 'affected' as counted
    from obligations
    where notice_due_at is not null and not is_joiner
    union all
    select partner_id, asset_id, notice_due_at as counted_at, 'affected_sent' as counted
    from obligations
    where notice_due_at is not null and not is_joiner and sent_at is not null
    union all
    select partner_id, asset_id, sent_at as counted_at, 'sent' as counted
    from obligations
    where sent_at is not null
    union all
    select partner_id, asset_id, sent_at as counted_at, 'sent_' || state as counted
    from obligations
    where sent_at is not null
    union all
    select partner_id, asset_id, sent_at as counted_at, 'sent_and_answered' as counted
    from obligations
    where state in ('acknowledged', 'acknowledged_late')
    union all
    select partner_id, asset_id, sent_at as counted_at, 'sent_and_responded' as counted
    from responses
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
