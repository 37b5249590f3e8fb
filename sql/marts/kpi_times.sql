-- One row per measure of the time to currency, dimension, its value, and period.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- K6 (docs/domain.md, 11): Kaplan-Meier over marts.time_to_currency, exact to the microsecond; what was not reached is
-- censored at the end of the version's life, what is still open at as_of. A share that is not known to have been
-- reached is null. Months are those in which the version's life began.
-- Between two moments at which anything was censored, survival falls by the same step with everything reached: from s
-- to s * (at_risk - k) / at_risk with the k-th. So the reached are counted per interval between such moments (interval_no
-- ends with the moment of that number, and bears what was censored at it), and are looked at one by one only where
-- survival falls to a share that is asked for.
with waits as (select * from marts.waits),

reached as (select * from marts.time_to_currency where outcome = 'reached'),

partners as (select * from core.partners),

assets as (select * from core.assets),

programs as (select * from marts.partner_programs),

measures as (select * from marts.measures where figure = 'K6'),

claims as (select * from ops.data_late where claim = 'position'),

lateness as (select coalesce(bool_or(is_late), true) as is_late from claims),

shares (measure, surviving) as (
    values ('time_to_currency_p50', 0.5), ('time_to_currency_p90', 0.1)
),

censored as (
    select
        dimension,
        dimension_value,
        month,
        case when outcome = 'open' then microseconds_of($as_of) - moment else moment end as moment,
        changes
    from waits
    where outcome <> 'prepositioned'
),

censoring_moments as (
    select moment, row_number() over (order by moment) as interval_no
    from censored
    group by moment
),

moments as (
    select
        partner_id,
        asset_id,
        month,
        cast(round(seconds * 1000000) as bigint) as moment,
        0 as ends_interval
    from reached
    union all
    select null as partner_id, null as asset_id, null as month, moment, 1 as ends_interval from censoring_moments
),

numbered as (
    select
        *,
        1 - ends_interval + sum(ends_interval) over (
            order by moment, ends_interval
            rows between unbounded preceding and current row
        ) as interval_no
    from moments
),

described as (
    select
        numbered.partner_id,
        numbered.month,
        numbered.moment,
        cast(numbered.interval_no as bigint) as interval_no,
        coalesce(nullif(partners.region, ''), '(none)') as region,
        coalesce(nullif(partners.tier, ''), '(none)') as tier,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from numbered
    inner join partners on partners.partner_id = numbered.partner_id
    inner join assets on assets.asset_id = numbered.asset_id
    where numbered.ends_interval = 0
),

in_intervals as (
    select
        case
            when grouping(region) = 0 then 'region'
            when grouping(tier) = 0 then 'tier'
            when grouping(brand) = 0 then 'brand'
            when grouping(classification) = 0 then 'classification'
            else 'all'
        end as dimension,
        coalesce(region, tier, brand, classification, 'all') as dimension_value,
        coalesce(month, 'all') as period,
        interval_no,
        count(*) as reached,
        0 as censored
    from described
    group by
        grouping sets (
            (interval_no),
            (interval_no, region),
            (interval_no, tier),
            (interval_no, brand),
            (interval_no, classification),
            (interval_no, month),
            (interval_no, month, region),
            (interval_no, month, tier)
        )
    union all
    select
        'program' as dimension,
        programs.program as dimension_value,
        coalesce(described.month, 'all') as period,
        described.interval_no,
        count(*) as reached,
        0 as censored
    from described
    inner join programs on programs.partner_id = described.partner_id
    group by
        grouping sets (
            (programs.program, described.interval_no), (programs.program, described.interval_no, described.month)
        )
    union all
    select
        censored.dimension,
        censored.dimension_value,
        coalesce(censored.month, 'all') as period,
        censoring_moments.interval_no,
        0 as reached,
        sum(censored.changes) as censored
    from censored
    inner join censoring_moments on censoring_moments.moment = censored.moment
    group by
        grouping sets (
            (censored.dimension, censored.dimension_value, censoring_moments.interval_no),
            (censored.dimension, censored.dimension_value, censoring_moments.interval_no, censored.month)
        )
),

at_intervals as (
    select
        dimension,
        dimension_value,
        period,
        interval_no,
        sum(reached) as reached,
        sum(reached + censored) as things
    from in_intervals
    where period = 'all' or dimension not in ('brand', 'classification')
    group by dimension, dimension_value, period, interval_no
),

at_risk as (
    select
        *,
        sum(things) over (
            partition by dimension, dimension_value, period
            order by interval_no desc
            rows between unbounded preceding and current row
        ) as at_risk
    from at_intervals
),

logarithms as (
    select
        *,
        case when reached = at_risk then -1000.0 else ln((at_risk - reached) / at_risk) end as logarithm
    from at_risk
    where reached > 0
),

surviving as (
    select
        *,
        exp(
            coalesce(
                sum(logarithm) over (
                    partition by dimension, dimension_value, period
                    order by interval_no
                    rows between unbounded preceding and 1 preceding
                ),
                0
            )
        ) as survival_before,
        exp(
            sum(logarithm) over (
                partition by dimension, dimension_value, period
                order by interval_no
                rows between unbounded preceding and current row
            )
        ) as survival
    from logarithms
),

crossings as (
    select
        shares.measure,
        shares.surviving,
        surviving.dimension,
        surviving.dimension_value,
        surviving.period,
        surviving.interval_no,
        surviving.at_risk,
        surviving.survival_before
    from surviving
    inner join shares
        on shares.surviving + 1e-9 >= surviving.survival
        and shares.surviving + 1e-9 < surviving.survival_before
),

looked_at as (
    select * from described where interval_no in (select crossings.interval_no from crossings)
),

in_dimensions as (
    select 'all' as dimension, 'all' as dimension_value, month, interval_no, moment from looked_at
    union all
    select 'region' as dimension, region as dimension_value, month, interval_no, moment from looked_at
    union all
    select 'tier' as dimension, tier as dimension_value, month, interval_no, moment from looked_at
    union all
    select 'brand' as dimension, brand as dimension_value, month, interval_no, moment from looked_at
    union all
    select 'classification' as dimension, classification as dimension_value, month, interval_no, moment from looked_at
    union all
    select 'program' as dimension, programs.program as dimension_value, looked_at.month, looked_at.interval_no, moment
    from looked_at
    inner join programs on programs.partner_id = looked_at.partner_id
),

placed as (
    select
        crossings.*,
        in_dimensions.moment,
        row_number() over (
            partition by crossings.measure, crossings.dimension, crossings.dimension_value, crossings.period
            order by in_dimensions.moment
        ) as place
    from crossings
    inner join in_dimensions
        on in_dimensions.dimension = crossings.dimension
        and in_dimensions.dimension_value = crossings.dimension_value
        and in_dimensions.interval_no = crossings.interval_no
        and (crossings.period = 'all' or crossings.period = in_dimensions.month)
),

quantiles as (
    select
        measure,
        dimension,
        dimension_value,
        period,
        min(moment) / 1000000 as seconds
    from placed
    where survival_before * (at_risk - place) / at_risk <= surviving + 1e-9
    group by measure, dimension, dimension_value, period
),

prepositioned as (
    select
        dimension,
        dimension_value,
        coalesce(month, 'all') as period,
        sum(changes) as prepositioned
    from waits
    where outcome = 'prepositioned'
    group by grouping sets ((dimension, dimension_value), (dimension, dimension_value, month))
),

counted as (
    select dimension, dimension_value, period, 0 as prepositioned, reached, things from at_intervals
    union all
    select dimension, dimension_value, period, prepositioned, 0 as reached, 0 as things
    from prepositioned
    where period = 'all' or dimension not in ('brand', 'classification')
    union all
    select 'all' as dimension, 'all' as dimension_value, 'all' as period, 0, 0, 0
),

totals as (
    select
        dimension,
        dimension_value,
        period,
        cast(sum(prepositioned) as bigint) as prepositioned,
        cast(sum(reached) as bigint) as reached,
        cast(sum(things) as bigint) as things
    from counted
    group by dimension, dimension_value, period
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
        quantiles.seconds,
        case when measures.kind = 'rate' then 0 else totals.things - totals.reached end as censored,
        case when measures.kind = 'rate' then 0 else totals.prepositioned end as excluded
    from totals
    cross join measures
    cross join lateness
    left join quantiles
        on quantiles.measure = measures.measure
        and quantiles.dimension = totals.dimension
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
            else seconds
        end::double as value,
        case when is_late then 0 else censored end::bigint as censored,
        (excluded + case when is_late then denominator else 0 end)::bigint as excluded
    from measured
)

select * from kpis
