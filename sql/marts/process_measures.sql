-- One row per measure of a process: what of its figure is measured, and the clauses that open it in marts.process_samples.
-- Grain: figure, measure
-- Refresh: full
-- After: ops.turns
-- K1, K2, K8, K10 and K11 (docs/domain.md, 11; docs/figures_processes.md). kind as in marts.process_samples: rate, count,
-- repeats, duration; a duration's quantiles are <measure>_p50 and <measure>_p90. data_late is the bar of what late feeds
-- take out.
with measures (figure, measure, kind, unit) as (
    values
    ('K1', 'turnaround', 'duration', 'seconds'),
    ('K1', 'data_late', 'count', 'requests'),
    ('K2', 'first_time_right', 'rate', 'requests'),
    ('K2', 'data_late', 'count', 'requests'),
    ('K8', 'holders_known', 'count', 'partners'),
    ('K8', 'notified', 'rate', 'partners'),
    ('K8', 'responded', 'rate', 'partners'),
    ('K8', 'completed', 'rate', 'partners'),
    ('K8', 'silent', 'rate', 'partners'),
    ('K8', 'accesses_after', 'count', 'events'),
    ('K8', 'unknown_downloads', 'count', 'events'),
    ('K8', 'completion', 'duration', 'seconds'),
    ('K8', 'replacement', 'duration', 'seconds'),
    ('K8', 'data_late', 'count', 'partners'),
    ('K10', 'readiness', 'rate', 'pairs'),
    ('K10', 'partners_ready', 'rate', 'partners'),
    ('K10', 'confirmation', 'duration', 'seconds'),
    ('K10', 'data_late', 'count', 'pairs'),
    ('K11', 'triage', 'duration', 'seconds'),
    ('K11', 'triage_calendar', 'duration', 'seconds'),
    ('K11', 'replacement', 'duration', 'seconds'),
    ('K11', 'replacement_calendar', 'duration', 'seconds'),
    ('K11', 'confirmation', 'duration', 'seconds'),
    ('K11', 'confirmation_calendar', 'duration', 'seconds'),
    ('K11', 'reopened', 'rate', 'issues'),
    ('K11', 'repeats_per_asset', 'repeats', 'issues'),
    ('K11', 'holders_informed', 'rate', 'partners'),
    ('K11', 'data_late', 'count', 'issues')
),

opened as (
    select
        *,
        'figure = ''' || figure || ''' and measure = ''' || measure || '''' as of_measure
    from measures
),

process_measures as (
    select
        figure,
        measure,
        kind,
        unit,
        kind <> 'count' as is_partner_weighted,
        'marts.process_samples' as opened_table,
        'strftime(timezone(''UTC'', occurred_at), ''%Y-%m'')' as period_of,
        of_measure || ' and excluded_because is null' || case kind
            when 'duration' then ' and is_observed'
            when 'repeats' then ''
            else ' and numerator > 0'
        end as numerator_where,
        case when kind <> 'count' then of_measure || ' and excluded_because is null' end as denominator_where,
        case
            when kind = 'duration' then of_measure || ' and excluded_because is null and not is_observed'
        end as censored_where,
        case when kind <> 'count' then of_measure || ' and excluded_because is not null' end as excluded_where,
        case kind
            when 'count' then 'sum(numerator)'
            when 'repeats' then 'count(*) - count(distinct asset_id)'
            else 'count(*)'
        end as numerator_counts,
        case kind when 'repeats' then 'count(distinct asset_id)' else 'count(*)' end as denominator_counts,
        'count(*)' as censored_counts,
        'count(*)' as excluded_counts
    from opened
)

select * from process_measures
