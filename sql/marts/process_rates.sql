-- One row per rate or count of a process, weighting, division and month.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- Made of marts.process_samples (docs/figures_processes.md). Weighting pair: everything counted weighs the same;
-- partner: the mean of the rates of the partners that we know, of those that have one. A rate with denominator 0 is null.
with samples as (select * from marts.process_samples where kind <> 'duration'),

process_measures as (select * from marts.process_measures),

assets as (select * from core.assets),

partners as (select * from core.partners),

partner_dimensions as (select * from marts.partner_dimensions),

kinds (dimension) as (
    values ('region'), ('tier'), ('program')
),

described as (
    select
        samples.figure,
        samples.measure,
        samples.kind,
        samples.partner_id,
        utc_month(samples.occurred_at) as month,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification,
        case when samples.kind = 'repeats' then samples.asset_id end as asset_id,
        sum(samples.numerator) filter (where samples.excluded_because is null) as numerator,
        sum(samples.denominator) filter (where samples.excluded_because is null) as denominator,
        count(samples.excluded_because) as excluded
    from samples
    left join assets on assets.asset_id = samples.asset_id
    group by all
),

in_dimensions as (
    select *, 'all' as dimension, 'all' as dimension_value from described
    union all
    select *, 'brand' as dimension, brand as dimension_value from described
    union all
    select *, 'classification' as dimension, classification as dimension_value from described
    union all
    select
        described.*,
        kinds.dimension,
        coalesce(partner_dimensions.dimension_value, '(none)') as dimension_value
    from described
    cross join kinds
    left join partner_dimensions
        on partner_dimensions.partner_id = described.partner_id
        and partner_dimensions.dimension = kinds.dimension
),

divided as (
    select *, 'all' as period from in_dimensions
    union all
    select *, month as period from in_dimensions
    where month is not null
),

by_partner as (
    select
        figure,
        measure,
        kind,
        dimension,
        dimension_value,
        period,
        partner_id,
        coalesce(sum(numerator), 0) as numerator,
        coalesce(sum(denominator), 0) as denominator,
        count(distinct asset_id) filter (where denominator > 0) as assets,
        sum(excluded) as excluded
    from divided
    group by figure, measure, kind, dimension, dimension_value, period, partner_id
),

repeated as (
    select figure, measure, dimension, dimension_value, period, count(distinct asset_id) as assets
    from divided
    where kind = 'repeats' and denominator > 0
    group by figure, measure, dimension, dimension_value, period
),

in_all as (
    select
        figure,
        measure,
        kind,
        dimension,
        dimension_value,
        period,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(excluded) as excluded
    from by_partner
    group by figure, measure, kind, dimension, dimension_value, period
),

by_pair as (
    select
        in_all.figure,
        in_all.measure,
        'pair' as weighting,
        in_all.dimension,
        in_all.dimension_value,
        in_all.period,
        case
            when in_all.kind = 'repeats' then in_all.numerator - coalesce(repeated.assets, 0)
            else in_all.numerator
        end as numerator,
        case
            when in_all.kind = 'repeats' then coalesce(repeated.assets, 0)
            when in_all.kind = 'rate' then in_all.denominator
        end as denominator,
        in_all.excluded
    from in_all
    left join repeated
        on repeated.figure = in_all.figure
        and repeated.measure = in_all.measure
        and repeated.dimension = in_all.dimension
        and repeated.dimension_value = in_all.dimension_value
        and repeated.period = in_all.period
),

own_rates as (
    select
        by_partner.*,
        case
            when by_partner.kind = 'rate' and by_partner.denominator > 0
                then cast(by_partner.numerator / by_partner.denominator::double as decimal(18, 9))
            when by_partner.kind = 'repeats' and by_partner.assets > 0
                then cast((by_partner.numerator - by_partner.assets) / by_partner.assets::double as decimal(18, 9))
        end as rate
    from by_partner
    inner join partners on partners.partner_id = by_partner.partner_id
    where by_partner.kind <> 'count'
),

by_mean as (
    select
        figure,
        measure,
        'partner' as weighting,
        dimension,
        dimension_value,
        period,
        coalesce(sum(rate), 0) as numerator,
        count(rate) as denominator,
        sum(excluded) as excluded
    from own_rates
    group by figure, measure, dimension, dimension_value, period
),

measures as (
    select figure, measure, unit, kind <> 'count' as is_rate
    from process_measures
    where kind <> 'duration'
),

weightings as (
    select unnest(['pair', 'partner']) as weighting
),

at_least as (
    select measures.*, weightings.weighting
    from measures
    cross join weightings
    where measures.is_rate or weightings.weighting = 'pair'
),

found as (
    select * from by_pair
    union all
    select * from by_mean
),

wanted as (
    select figure, measure, weighting, dimension, dimension_value, period, numerator, denominator, excluded
    from found
    union all
    select
        at_least.figure,
        at_least.measure,
        at_least.weighting,
        'all' as dimension,
        'all' as dimension_value,
        'all' as period,
        0 as numerator,
        case when at_least.is_rate then 0 end as denominator,
        0 as excluded
    from at_least
    anti join found
        on found.figure = at_least.figure
        and found.measure = at_least.measure
        and found.weighting = at_least.weighting
),

rates as (
    select
        wanted.figure,
        wanted.measure,
        wanted.weighting,
        wanted.dimension,
        wanted.dimension_value,
        wanted.period,
        measures.unit,
        wanted.numerator::double as numerator,
        wanted.denominator::double as denominator,
        case
            when not measures.is_rate then wanted.numerator::double
            when wanted.denominator > 0 then wanted.numerator::double / wanted.denominator::double
        end as value,
        0::bigint as censored,
        wanted.excluded::bigint as excluded
    from wanted
    inner join measures
        on measures.figure = wanted.figure
        and measures.measure = wanted.measure
    where wanted.numerator > 0
        or coalesce(wanted.denominator, 0) > 0
        or wanted.excluded > 0
        or (wanted.dimension = 'all' and wanted.period = 'all')
)

select * from rates
