-- One row per figure of a process, measure, weighting, division and month: K1, K2, K8, K10 and K11.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- docs/domain.md, 11; docs/figures_processes.md. The rows that a figure counts are those of marts.process_samples.
with rates as (select * from marts.process_rates),

quantiles as (select * from marts.process_quantiles where dimension <> 'withdrawal'),

figures as (
    select * from rates
    union all by name
    select * from quantiles
)

select * from figures
