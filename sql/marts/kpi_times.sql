-- One row per measure of the time to currency, dimension, its value, and period.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- K6 (docs/domain.md, 11): Kaplan-Meier over marts.time_to_currency, in quarters of an hour; what was not reached is
-- censored at the end of the version's life, what is still open at as_of. A share that is not known to have been
-- reached is null. Months are those in which the version's life began.
with waits as (select * from marts.waits),

measures as (select * from marts.measures where figure = 'K6'),

claims as (select * from ops.data_late where claim = 'position'),

lateness as (select coalesce(bool_or(is_late), true) as is_late from claims),

timed as (
    select
        dimension,
        dimension_value,
        month,
        case when outcome = 'open' then quarter_of_an_hour($as_of) - moment else moment end as quarters,
        case when outcome = 'prepositioned' then changes else 0 end as prepositioned,
        case when outcome = 'reached' then changes else 0 end as reached,
        case when outcome <> 'prepositioned' then changes else 0 end as things
    from waits
),

in_periods as (
    select * exclude (month), 'all' as period from timed
    union all
    select * exclude (month), month as period from timed where dimension not in ('brand', 'classification')
),

at_moments as (
    select
        dimension,
        dimension_value,
        period,
        quarters,
        sum(prepositioned) as prepositioned,
        sum(reached) as reached,
        sum(things) as things
    from in_periods
    group by dimension, dimension_value, period, quarters
),

at_risk as (
    select
        *,
        sum(things) over (
            partition by dimension, dimension_value, period
            order by quarters desc
            rows between unbounded preceding and current row
        ) as at_risk
    from at_moments
),

surviving as (
    select
        *,
        exp(
            sum(case when reached = at_risk then -1000.0 else ln((at_risk - reached) / at_risk) end) over (
                partition by dimension, dimension_value, period
                order by quarters
                rows between unbounded preceding and current row
            )
        ) as survival
    from at_risk
    where things > 0
),

quantiles as (
    select
        dimension,
        dimension_value,
        period,
        min(quarters) filter (where reached > 0 and survival <= 0.5 + 1e-9) as p50_quarters,
        min(quarters) filter (where reached > 0 and survival <= 0.1 + 1e-9) as p90_quarters
    from surviving
    group by dimension, dimension_value, period
),

totals as (
    select
        dimension,
        dimension_value,
        period,
        cast(sum(prepositioned) as bigint) as prepositioned,
        cast(sum(reached) as bigint) as reached,
        cast(sum(things) as bigint) as things
    from at_moments
    group by dimension, dimension_value, period
    union all
    select 'all' as dimension, 'all' as dimension_value, 'all' as period, 0, 0, 0
    where not exists (select 1 from waits)
),

measured as (
    select
        measures.figure,
        measures.measure,
        'pair' as weighting,
        totals.dimension,
        totals.dimension_value,
        totals.period,
        measures.unit,
        lateness.is_late,
        case when measures.kind = 'rate' then totals.prepositioned else totals.reached end as numerator,
        case
            when measures.kind = 'rate' then totals.things + totals.prepositioned else totals.things
        end as denominator,
        case measures.measure
            when 'time_to_currency_p50' then quantiles.p50_quarters * 900
            when 'time_to_currency_p90' then quantiles.p90_quarters * 900
        end as quantile,
        case when measures.kind = 'rate' then 0 else totals.things - totals.reached end as censored,
        case when measures.kind = 'rate' then 0 else totals.prepositioned end as excluded
    from totals
    cross join measures
    cross join lateness
    left join quantiles
        on quantiles.dimension = totals.dimension
        and quantiles.dimension_value = totals.dimension_value
        and quantiles.period = totals.period
),

kpis as (
    select
        figure,
        measure,
        weighting,
        dimension,
        dimension_value,
        period,
        unit,
        case when is_late then 0 else numerator end::double as numerator,
        case when is_late then 0 else denominator end::double as denominator,
        case
            when is_late or denominator = 0 then null
            when measure = 'prepositioned' then numerator / denominator
            else quantile
        end::double as value,
        case when is_late then 0 else censored end::bigint as censored,
        (excluded + case when is_late then denominator else 0 end)::bigint as excluded
    from measured
)

select * from kpis
