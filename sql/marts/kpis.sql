-- One row per figure, measure, weighting, dimension, its value, and period.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- docs/domain.md, 11, and docs/figures.md: a rate whose denominator is 0 is null. marts.measures opens each into its
-- rows; K1, K2, K8, K10 and K11 are opened in marts.process_samples (docs/figures_processes.md).
with rates as (select * from marts.kpi_rates),

times as (select * from marts.kpi_times),

feed as (select * from marts.kpi_feed),

processes as (select * from marts.kpi_processes),

kpis as (
    select * from rates
    union all by name
    select * from times
    union all by name
    select * from feed
    union all by name
    select * from processes
)

select * from kpis
