-- One row per duration of a process, quantile, weighting, division and month: the estimate of how long it takes.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- Kaplan-Meier over marts.process_samples: what has no end yet is censored: it is at risk up to then, not dropped.
-- Survival at t is the product, over the moments up to t, of 1 - weight ended there / weight at risk there; what is
-- censored at a moment is still at risk at it. A quantile p is the first moment at which survival is at most 1 - p,
-- null where it never is; a little is allowed for, so that 3/4 * 2/3 is 1/2. Weighting partner: each partner that we know
-- weighs the same. Months are those in which the clock began, for all things together. The dimension withdrawal is one withdrawn
-- version (marts.withdrawal_effectiveness) and belongs to no figure.
with samples as (select * from marts.process_samples where kind = 'duration'),

measures as (select * from marts.process_measures where kind = 'duration'),

assets as (select * from core.assets),

partners as (select * from core.partners),

partner_dimensions as (select * from marts.partner_dimensions),

kinds_of_partners (dimension) as (
    values ('region'), ('tier'), ('program')
),

described as (
    select
        samples.figure,
        samples.measure,
        partners.partner_id,
        samples.group_id,
        samples.seconds,
        samples.is_observed,
        samples.excluded_because is not null as is_excluded,
        utc_month(samples.occurred_at) as month,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from samples
    left join assets on assets.asset_id = samples.asset_id
    left join partners on partners.partner_id = samples.partner_id
),

divided as (
    select *, 'all' as dimension, 'all' as dimension_value, 'all' as period from described
    union all
    select *, 'all' as dimension, 'all' as dimension_value, month as period from described
    where month is not null
    union all
    select *, 'brand' as dimension, brand as dimension_value, 'all' as period from described
    union all
    select *, 'classification' as dimension, classification as dimension_value, 'all' as period from described
    union all
    select
        described.*,
        kinds_of_partners.dimension,
        coalesce(partner_dimensions.dimension_value, '(none)') as dimension_value,
        'all' as period
    from described
    cross join kinds_of_partners
    left join partner_dimensions
        on partner_dimensions.partner_id = described.partner_id
        and partner_dimensions.dimension = kinds_of_partners.dimension
    union all
    select *, 'withdrawal' as dimension, group_id as dimension_value, 'all' as period from described
    where group_id is not null
),

groups as (
    select
        figure,
        measure,
        dimension,
        dimension_value,
        period,
        row_number() over (order by figure, measure, dimension, dimension_value, period) as group_no
    from divided
    group by figure, measure, dimension, dimension_value, period
),

grouped as (
    select groups.group_no, divided.partner_id, divided.seconds, divided.is_observed, divided.is_excluded
    from divided
    inner join groups
        on groups.figure = divided.figure
        and groups.measure = divided.measure
        and groups.dimension = divided.dimension
        and groups.dimension_value = divided.dimension_value
        and groups.period = divided.period
),

shares as (
    select group_no, partner_id, cast(1.0 / count(*) as decimal(18, 9)) as weight
    from grouped
    where partner_id is not null and not is_excluded
    group by group_no, partner_id
),

weighed as (
    select group_no, 'pair' as weighting, seconds, is_observed, is_excluded, cast(1 as decimal(18, 9)) as weight
    from grouped
    union all
    select
        grouped.group_no,
        'partner' as weighting,
        grouped.seconds,
        grouped.is_observed,
        grouped.is_excluded,
        shares.weight
    from grouped
    left join shares
        on shares.group_no = grouped.group_no
        and shares.partner_id = grouped.partner_id
    where grouped.partner_id is not null
),

totals as (
    select
        group_no,
        weighting,
        count(*) filter (where is_observed and not is_excluded) as observed,
        count(*) filter (where not is_excluded) as counted,
        count(*) filter (where is_excluded) as excluded
    from weighed
    group by group_no, weighting
),

moments as (
    select
        group_no,
        weighting,
        seconds,
        coalesce(sum(weight) filter (where is_observed), 0) as ended,
        sum(weight) as leaving
    from weighed
    where not is_excluded
    group by group_no, weighting, seconds
),

at_risk as (
    select
        *,
        sum(leaving) over (
            partition by group_no, weighting
            order by seconds desc
            rows between unbounded preceding and current row
        ) as at_risk
    from moments
),

logarithms as (
    select
        group_no,
        weighting,
        seconds,
        ended >= at_risk as is_last,
        case when ended < at_risk then ln(1 - ended::double / at_risk::double) end as logarithm
    from at_risk
    where ended > 0
),

survival as (
    select
        group_no,
        weighting,
        seconds,
        is_last,
        exp(
            sum(logarithm) over (
                partition by group_no, weighting
                order by seconds
                rows between unbounded preceding and current row
            )
        ) as survival,
        case when weighting = 'pair' then 1e-9 else 1e-6 end as allowance
    from logarithms
),

reached as (
    select
        group_no,
        weighting,
        min(seconds) filter (where is_last or survival <= 0.5 + allowance) as p50,
        min(seconds) filter (where is_last or survival <= 0.1 + allowance) as p90
    from survival
    group by group_no, weighting
),

weightings as (
    select unnest(['pair', 'partner']) as weighting
),

wanted as (
    select groups.*, totals.weighting, totals.observed, totals.counted, totals.excluded
    from groups
    inner join totals on totals.group_no = groups.group_no
    union all by name
    select
        measures.figure,
        measures.measure,
        'all' as dimension,
        'all' as dimension_value,
        'all' as period,
        weightings.weighting,
        0 as observed,
        0 as counted,
        0 as excluded
    from measures
    cross join weightings
),

summed as (
    select
        figure,
        measure,
        weighting,
        dimension,
        dimension_value,
        period,
        max(group_no) as group_no,
        sum(observed) as observed,
        sum(counted) as counted,
        sum(excluded) as excluded
    from wanted
    where dimension <> 'withdrawal' or weighting = 'pair'
    group by figure, measure, weighting, dimension, dimension_value, period
),

shares_asked as (
    select unnest(['p50', 'p90']) as quantile
),

quantiles as (
    select
        summed.figure,
        summed.measure || '_' || shares_asked.quantile as measure,
        summed.weighting,
        summed.dimension,
        summed.dimension_value,
        summed.period,
        'seconds' as unit,
        summed.observed::double as numerator,
        summed.counted::double as denominator,
        case shares_asked.quantile when 'p50' then reached.p50 else reached.p90 end as value,
        (summed.counted - summed.observed)::bigint as censored,
        summed.excluded::bigint as excluded
    from summed
    cross join shares_asked
    left join reached
        on reached.group_no = summed.group_no
        and reached.weighting = summed.weighting
)

select * from quantiles
