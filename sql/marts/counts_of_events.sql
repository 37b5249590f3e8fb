-- One row per partner, division, month and name of a count: how many judged events it is true of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of audit.verdicts
-- Changes at: audit.verdicts.occurred_at
-- What K9 and K13 are divided by, and what K13 counts (docs/domain.md, 11; docs/figures.md). dimension is partner (by
-- month), brand or classification (all months). Events of nobody known are in marts.counts_of_nobody.
with verdicts as (select * from audit.verdicts where partner_id is not null and occurred_at <= $as_of),

assets as (select * from core.assets),

events as (
    select
        verdicts.partner_id,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification,
        utc_month(verdicts.occurred_at) as month,
        verdicts.is_counted_as_access,
        verdicts.timing_now <> 'version_unknown' as has_version,
        verdicts.entitlement_now <> 'unknown_identity' as has_identity
    from verdicts
    left join assets on assets.asset_id = verdicts.asset_id
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
        count(*) as events,
        count(*) filter (where is_counted_as_access) as accesses,
        count(*) filter (where has_version) as with_version,
        count(*) filter (where has_identity) as with_identity
    from events
    group by grouping sets ((partner_id, month), (partner_id, brand), (partner_id, classification))
),

counts as (
    select partner_id, dimension, dimension_value, period, 'events' as counted, events as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, period, 'accesses' as counted, accesses as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, period, 'events_with_version' as counted, with_version as things
    from grouped
    union all
    select partner_id, dimension, dimension_value, period, 'events_with_identity' as counted, with_identity as things
    from grouped
),

counted as (select * from counts where things > 0)

select * from counted
