-- One row per measure of the feeds, dimension, its value, and period.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- The feed lag of K13, and K14 (docs/domain.md, 11). The lag's quantile is the nearest rank, in whole seconds, by the
-- month of what happened; completeness is by day. Neither is about partners or assets.
with lags as (select * from marts.feed_lags),

completeness as (select * from marts.completeness),

streams (stream) as (
    values ('access_events'), ('acknowledgments'), ('deliveries')
),

in_periods as (
    select stream, 'all' as period, is_backlog, lag_seconds, records from lags
    union all
    select stream, month as period, is_backlog, lag_seconds, records from lags
),

by_lag as (
    select stream, period, lag_seconds, sum(records) as records
    from in_periods
    where not is_backlog
    group by stream, period, lag_seconds
),

cumulated as (
    select
        stream,
        period,
        lag_seconds,
        sum(records) over (
            partition by stream, period order by lag_seconds rows between unbounded preceding and current row
        ) as records_up_to,
        sum(records) over (partition by stream, period) as records
    from by_lag
),

ranked as (
    select stream, period, min(lag_seconds) as p95_seconds
    from cumulated
    where records_up_to * 100 >= records * 95
    group by stream, period
),

totals as (
    select
        stream,
        period,
        coalesce(sum(records) filter (where not is_backlog), 0) as records,
        coalesce(sum(records) filter (where is_backlog), 0) as backlog
    from in_periods
    group by stream, period
),

feed_lags as (
    select
        'K13' as figure,
        'feed_lag_p95_' || streams.stream as measure,
        coalesce(totals.period, 'all') as period,
        'seconds' as unit,
        coalesce(totals.records, 0) as numerator,
        coalesce(totals.records, 0) as denominator,
        ranked.p95_seconds::double as value,
        coalesce(totals.backlog, 0) as excluded
    from streams
    left join totals on totals.stream = streams.stream
    left join ranked
        on ranked.stream = totals.stream
        and ranked.period = totals.period
),

scopes (scope, measure, unit) as (
    values ('page', 'pages', 'pages'), ('page', 'pages_with_quarantine', 'pages'), ('run', 'runs', 'runs'),
    ('day', 'days', 'days')
),

by_day as (
    select
        scopes.measure,
        scopes.unit,
        completeness.day as period,
        case
            when scopes.measure = 'pages_with_quarantine' then completeness.quarantined > 0
            else completeness.is_balanced
        end as is_counted
    from completeness
    inner join scopes on scopes.scope = completeness.scope
    union all
    select
        scopes.measure,
        scopes.unit,
        'all' as period,
        case
            when scopes.measure = 'pages_with_quarantine' then completeness.quarantined > 0
            else completeness.is_balanced
        end as is_counted
    from scopes
    left join completeness on completeness.scope = scopes.scope
),

complete as (
    select
        'K14' as figure,
        measure,
        period,
        unit,
        count(*) filter (where is_counted) as numerator,
        count(is_counted) as denominator,
        case
            when count(is_counted) > 0 then count(*) filter (where is_counted) / count(is_counted)
        end as value,
        0 as excluded
    from by_day
    group by measure, period, unit
),

both_figures as (
    select * from feed_lags
    union all
    select * from complete
),

kpis as (
    select
        figure,
        measure,
        'pair' as weighting,
        'all' as dimension,
        'all' as dimension_value,
        period,
        unit,
        numerator::double as numerator,
        denominator::double as denominator,
        value,
        0::bigint as censored,
        excluded::bigint as excluded
    from both_figures
)

select * from kpis
