-- One row per stream: how late its records come, and how far back a pull should look because of that.
-- Grain: stream
-- Refresh: full
-- In seconds, over all editions but the backlog. late_records came in a later turn than the one that should have brought
-- them. proposed_lookback_seconds covers 99 of 100 of these, rounded up to a span that people use; null where none was
-- ever late. What came later than the lookback in force was never seen: reconciling shows it.
with lags as (select * from ops.lags),

cumulated as (
    select
        stream,
        measure,
        seconds,
        records,
        sum(records) over (
            partition by stream, measure order by seconds rows between unbounded preceding and current row
        ) as so_far,
        sum(records) over (partition by stream, measure) as in_all
    from lags
),

late as (
    select
        stream,
        sum(records)::bigint as late_records,
        max(seconds) as most_late_seconds
    from lags
    where measure = 'late' and seconds > 0
    group by stream
),

late_cumulated as (
    select
        stream,
        seconds,
        sum(records) over (partition by stream order by seconds rows between unbounded preceding and current row) as so_far,
        sum(records) over (partition by stream) as in_all
    from lags
    where measure = 'late' and seconds > 0
),

needed as (
    select stream, min(seconds) filter (where so_far >= 0.99 * in_all) as seconds from late_cumulated group by stream
),

proposed as (
    select
        stream,
        case
            when seconds < 300 then 300
            when seconds < 900 then 900
            when seconds < 3600 then 3600
            when seconds < 21600 then 21600
            when seconds < 86400 then 86400
            else (floor(seconds / 86400) + 1) * 86400
        end::bigint as seconds
    from needed
),

quantiles as (
    select
        stream,
        max(in_all)::bigint as measured_records,
        min(seconds) filter (where so_far >= 0.50 * in_all) as lag_p50_seconds,
        min(seconds) filter (where so_far >= 0.95 * in_all) as lag_p95_seconds,
        min(seconds) filter (where so_far >= 0.99 * in_all) as lag_p99_seconds
    from cumulated
    where measure = 'lag'
    group by stream
),

lateness as (
    select
        quantiles.*,
        coalesce(late.late_records, 0) as late_records,
        late.most_late_seconds,
        proposed.seconds as proposed_lookback_seconds
    from quantiles
    left join late on late.stream = quantiles.stream
    left join proposed on proposed.stream = quantiles.stream
)

select * from lateness
