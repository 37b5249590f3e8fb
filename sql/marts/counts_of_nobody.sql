-- One row per division, month and name of a count: of how many things whose partner nobody can name it is true.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: full
-- What the other counts_of_* leave out of K7, K9 and K13, because they are made partner by partner (docs/figures.md).
-- partner_id is ''. dimension is partner (by month), brand or classification (all months).
with verdicts as (select * from audit.verdicts where partner_id is null and occurred_at <= $as_of),

violations as (select * from marts.entitlement_violations where partner_id is null),

obsolete as (select * from marts.obsolete_access where partner_id is null),

delivered as (select * from freshness.delivered where partner_id is null and delivered_at <= $as_of),

deliveries as (select * from core.deliveries),

assets as (select * from core.assets),

named as (
    select asset_id, occurred_at as happened_at, 'events' as counted from verdicts
    union all
    select asset_id, occurred_at as happened_at, 'accesses' as counted from verdicts where is_counted_as_access
    union all
    select asset_id, occurred_at as happened_at, 'events_with_version' as counted
    from verdicts
    where timing_now <> 'version_unknown'
    union all
    select asset_id, occurred_at as happened_at, 'violations_now' as counted
    from violations
    where entitlement_now <> 'ok' and is_counted_as_access
    union all
    select asset_id, occurred_at as happened_at, entitlement_now || '_now' as counted
    from violations
    where entitlement_now <> 'ok' and is_counted_as_access
    union all
    select asset_id, occurred_at as happened_at, 'violations_then' as counted
    from violations
    where entitlement_then <> 'ok' and is_counted_as_access
    union all
    select asset_id, occurred_at as happened_at, entitlement_then || '_then' as counted
    from violations
    where entitlement_then <> 'ok' and is_counted_as_access
    union all
    select asset_id, obtained_at as happened_at, 'obsolete' as counted from obsolete
    union all
    select asset_id, obtained_at as happened_at, 'obsolete_' || reason as counted from obsolete
    union all
    select
        asset_id,
        obtained_at as happened_at,
        case when is_in_grace then 'obsolete_in_grace' else 'obsolete_after_grace' end as counted
    from obsolete
    union all
    select asset_id, obtained_at as happened_at, 'obsolete_by_' || channel_or_vector as counted
    from obsolete
    where channel_or_vector is not null
    union all
    select asset_id, obtained_at as happened_at, 'obsolete_by_unknown_identity' as counted from obsolete
    union all
    select asset_id, delivered_at as happened_at, 'deliveries' as counted from delivered
    union all
    select delivered.asset_id, delivered.delivered_at as happened_at, 'deliveries_with_digest' as counted
    from delivered
    inner join deliveries on deliveries.delivery_id = delivered.delivery_id
    where deliveries.checksum_sha256 is not null
),

divided as (
    select
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification,
        utc_month(named.happened_at) as month,
        named.counted
    from named
    left join assets on assets.asset_id = named.asset_id
),

counted as (
    select
        '' as partner_id,
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
    group by grouping sets ((counted, month), (counted, brand), (counted, classification))
)

select * from counted
