-- One row per partner, division, month and name of a count: how many accesses against the rules it is true of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of marts.entitlement_violations, marts.obsolete_access
-- What K7 and K9 count (docs/domain.md, 11; docs/figures.md). dimension is partner (by month), brand or classification
-- (all months). Those of nobody known are in marts.counts_of_nobody.
with violations as (select * from marts.entitlement_violations where partner_id is not null),

obsolete as (select * from marts.obsolete_access where partner_id is not null),

named as (
    select partner_id, brand, classification, obtained_at as happened_at, 'obsolete' as counted
    from obsolete
    union all
    select partner_id, brand, classification, obtained_at as happened_at, 'obsolete_' || reason as counted
    from obsolete
    union all
    select
        partner_id,
        brand,
        classification,
        obtained_at as happened_at,
        case when is_in_grace then 'obsolete_in_grace' else 'obsolete_after_grace' end as counted
    from obsolete
    union all
    select partner_id, brand, classification, obtained_at as happened_at, 'obsolete_by_' || channel_or_vector as counted
    from obsolete
    where channel_or_vector is not null
    union all
    select partner_id, brand, classification, obtained_at as happened_at, 'obsolete_by_unknown_identity' as counted
    from obsolete
    where not is_partner_known
    union all
    select partner_id, brand, classification, occurred_at as happened_at, 'violations_now' as counted
    from violations
    where entitlement_now <> 'ok' and is_counted_as_access
    union all
    select partner_id, brand, classification, occurred_at as happened_at, entitlement_now || '_now' as counted
    from violations
    where entitlement_now <> 'ok' and is_counted_as_access
    union all
    select partner_id, brand, classification, occurred_at as happened_at, 'violations_then' as counted
    from violations
    where entitlement_then <> 'ok' and is_counted_as_access
    union all
    select partner_id, brand, classification, occurred_at as happened_at, entitlement_then || '_then' as counted
    from violations
    where entitlement_then <> 'ok' and is_counted_as_access
),

divided as (
    select
        partner_id,
        coalesce(brand, '(none)') as brand,
        coalesce(classification, '(none)') as classification,
        utc_month(happened_at) as month,
        counted
    from named
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
