-- One row per duration of a process, quantile, weighting, division and month: the estimate of how long it takes.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- Kaplan-Meier over marts.process_samples: what has no end yet is censored: it is at risk up to then, not dropped.
-- Survival at t is the product, over the moments up to t, of 1 - weight ended there / weight at risk there; what is
-- censored at a moment is still at risk at it. A quantile p is the first moment at which survival is at most 1 - p,
-- null where it never is; a little is allowed for, so that 3/4 * 2/3 is 1/2. Weighting partner: each partner weighs the
-- same. Months are those in which the clock began, for all things together. The dimension withdrawal is one withdrawn
-- version (marts.withdrawal_effectiveness) and belongs to no figure.
with samples as (select * from marts.process_samples where kind = 'duration'),

assets as (select * from core.assets),

partner_dimensions as (select * from marts.partner_dimensions),

described as (
    select
        samples.figure,
        samples.measure,
        samples.partner_id,
        samples.group_id,
        samples.seconds,
        samples.is_observed,
        samples.excluded_because is not null as is_excluded,
        utc_month(samples.occurred_at) as month,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from samples
    left join assets on assets.asset_id = samples.asset_id
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
    select described.*, partner_dimensions.dimension, partner_dimensions.dimension_value, 'all' as period
    from described
    inner join partner_dimensions on partner_dimensions.partner_id = described.partner_id
    union all
    select *, 'withdrawal' as dimension, group_id as dimension_value, 'all' as period from described
    where group_id is not null
),

totals as (
    select
        figure,
        measure,
        dimension,
        dimension_value,
        period,
        row_number() over (order by figure, measure, dimension, dimension_value, period) as group_no,
        count(*) filter (where is_observed and not is_excluded) as observed,
        count(*) filter (where not is_excluded) as counted,
        count(*) filter (where is_excluded) as excluded
    from divided
    group by figure, measure, dimension, dimension_value, period
),

grouped as (
    select totals.group_no, divided.partner_id, divided.seconds, divided.is_observed
    from divided
    inner join totals
        on totals.figure = divided.figure
        and totals.measure = divided.measure
        and totals.dimension = divided.dimension
        and totals.dimension_value = divided.dimension_value
        and totals.period = divided.period
    where not divided.is_excluded
),

shares as (
    select group_no, partner_id, cast(1.0 / count(*) as decimal(18, 9)) as weight
    from grouped
    group by group_no, partner_id
),

moments as (
    select
        grouped.group_no,
        grouped.seconds,
        count(*) filter (where grouped.is_observed) as ended,
        count(*) as leaving,
        coalesce(sum(shares.weight) filter (where grouped.is_observed), 0) as weight_ended,
        sum(shares.weight) as weight_leaving
    from grouped
    inner join shares
        on shares.group_no = grouped.group_no
        and shares.partner_id = grouped.partner_id
    group by grouped.group_no, grouped.seconds
),

at_risk as (
    select
        *,
        sum(leaving) over from_here as at_risk,
        sum(weight_leaving) over from_here as weight_at_risk
    from moments
    window from_here as (
        partition by group_no
        order by seconds desc
        rows between unbounded preceding and current row
    )
),

logarithms as (
    select
        group_no,
        seconds,
        ended >= at_risk as is_last,
        case when ended < at_risk then ln(1 - ended::double / at_risk::double) end as pair,
        case
            when weight_ended < weight_at_risk then ln(1 - weight_ended::double / weight_at_risk::double)
        end as partner
    from at_risk
    where ended > 0
),

survival as (
    select
        group_no,
        seconds,
        is_last,
        exp(sum(pair) over up_to_here) as pair,
        exp(sum(partner) over up_to_here) as partner
    from logarithms
    window up_to_here as (
        partition by group_no
        order by seconds
        rows between unbounded preceding and current row
    )
),

reached as (
    select
        group_no,
        min(seconds) filter (where is_last or pair <= 0.5 + 1e-9) as pair_p50,
        min(seconds) filter (where is_last or pair <= 0.1 + 1e-9) as pair_p90,
        min(seconds) filter (where is_last or partner <= 0.5 + 1e-6) as partner_p50,
        min(seconds) filter (where is_last or partner <= 0.1 + 1e-6) as partner_p90
    from survival
    group by group_no
),

measures as (
    select 'K1' as figure, 'turnaround' as measure
    union all
    select 'K8' as figure, unnest(['completion', 'replacement']) as measure
    union all
    select 'K10' as figure, 'confirmation' as measure
    union all
    select
        'K11' as figure,
        unnest([
            'triage',
            'replacement',
            'confirmation',
            'triage_calendar',
            'replacement_calendar',
            'confirmation_calendar'
        ]) as measure
),

wanted as (
    select group_no, figure, measure, dimension, dimension_value, period, observed, counted, excluded
    from totals
    union all
    select null as group_no, figure, measure, 'all' as dimension, 'all' as dimension_value, 'all' as period, 0, 0, 0
    from measures
    anti join totals
        on totals.figure = measures.figure
        and totals.measure = measures.measure
),

kinds as (
    select
        weighting,
        quantile
    from (select unnest(['pair', 'partner']) as weighting)
    cross join (select unnest(['p50', 'p90']) as quantile)
),

quantiles as (
    select
        wanted.figure,
        wanted.measure || '_' || kinds.quantile as measure,
        kinds.weighting,
        wanted.dimension,
        wanted.dimension_value,
        wanted.period,
        'seconds' as unit,
        wanted.observed::double as numerator,
        wanted.counted::double as denominator,
        case kinds.weighting || '_' || kinds.quantile
            when 'pair_p50' then reached.pair_p50
            when 'pair_p90' then reached.pair_p90
            when 'partner_p50' then reached.partner_p50
            else reached.partner_p90
        end as value,
        (wanted.counted - wanted.observed)::bigint as censored,
        wanted.excluded::bigint as excluded
    from wanted
    cross join kinds
    left join reached on reached.group_no = wanted.group_no
    where wanted.dimension <> 'withdrawal' or kinds.weighting = 'pair'
)

select * from quantiles
