-- One row per thing that a figure of a process counts: a request, a holder of something withdrawn, an item of a launch.
-- Grain: figure, measure, sample_id
-- Refresh: full
-- K1, K2, K8, K10 and K11 (docs/domain.md, 11; docs/figures_processes.md) are made of these rows and of no others: a
-- figure's rows are those of its figure and measure. kind says how: a rate is the sum of numerator over the sum of
-- denominator; repeats are numerator less the assets that they are about, over these assets; a count is the sum of
-- numerator; a duration has seconds, is_observed where its end was seen, else it is censored then. excluded_because:
-- why a row belongs to the figure and is in none of its numbers; data_late: as_of is past what a feed that the figure
-- rests on is known up to (section 2), which takes out everything but counts. group_id: what an estimate of its own is
-- made for.
with requests as (select * from marts.request_turnaround),

exceptions as (select * from marts.exception_loop),

exception_holders as (select * from marts.exception_holders),

holders as (select * from marts.withdrawal_holders where was_holding),

accesses as (select * from marts.withdrawal_accesses),

readiness as (select * from freshness.readiness),

streams as (select * from ops.streams),

needs as (
    select 'K1' as figure, unnest(['requests', 'request_events']) as stream
    union all
    select 'K2' as figure, unnest(['request_events', 'issues', 'issue_events']) as stream
    union all
    select
        unnest(['K8', 'K10']) as figure,
        stream
    from (select unnest(['access_events', 'deliveries', 'asset_versions', 'acknowledgments', 'notices']) as stream)
    union all
    select 'K11' as figure, unnest(['issues', 'issue_events', 'access_events', 'deliveries', 'notices']) as stream
),

lateness as (
    select
        needs.figure,
        bool_or(
            streams.watermark is null or $as_of > streams.watermark + to_seconds(streams.tolerance_seconds)
        ) as is_late
    from needs
    left join streams on streams.stream = needs.stream
    group by needs.figure
),

turnarounds as (
    select
        'K1' as figure,
        'turnaround' as measure,
        'duration' as kind,
        'seconds' as unit,
        request_id as sample_id,
        partner_id,
        asset_id,
        started_at as occurred_at,
        working_seconds as seconds,
        not is_censored as is_observed,
        case when outcome = 'undelivered' then 'undelivered' end as excluded_because
    from requests
),

first_time_right as (
    select
        'K2' as figure,
        'first_time_right' as measure,
        'rate' as kind,
        'requests' as unit,
        request_id as sample_id,
        partner_id,
        asset_id,
        delivered_at as occurred_at,
        case when is_first_time_right then 1 else 0 end as numerator,
        1 as denominator,
        case when is_first_time_right is null then 'not_judged_yet' end as excluded_because
    from requests
    where delivered_at is not null
),

withdrawals as (
    select
        'K8' as figure,
        unnest([
            'holders_known', 'notified', 'responded', 'completed', 'silent', 'completion', 'replacement'
        ]) as measure,
        asset_id || '|' || version_no::varchar || '|' || partner_id as sample_id,
        asset_id || '|' || version_no::varchar as group_id,
        partner_id,
        asset_id,
        withdrawn_at as occurred_at,
        notified_at is not null as is_notified,
        responded_at is not null as has_responded,
        is_holding,
        is_silent,
        removed_at,
        least(removed_at, replaced_at) as replaced_at
    from holders
),

withdrawal_figures as (
    select
        figure,
        measure,
        case
            when measure in ('completion', 'replacement') then 'duration'
            when measure = 'holders_known' then 'count'
            else 'rate'
        end as kind,
        case when measure in ('completion', 'replacement') then 'seconds' else 'partners' end as unit,
        sample_id,
        group_id,
        partner_id,
        asset_id,
        occurred_at,
        case
            when measure = 'holders_known' then 1
            when measure = 'notified' and is_notified then 1
            when measure = 'responded' and is_notified and has_responded then 1
            when measure = 'completed' and not is_holding then 1
            when measure = 'silent' and is_silent then 1
            else 0
        end as numerator,
        1 as denominator,
        case measure
            when 'completion' then seconds_between(occurred_at, coalesce(removed_at, $as_of))
            when 'replacement' then seconds_between(occurred_at, coalesce(replaced_at, $as_of))
        end as seconds,
        case measure
            when 'completion' then removed_at is not null
            when 'replacement' then replaced_at is not null
        end as is_observed,
        case when measure in ('responded', 'silent') and not is_notified then 'not_notified' end as excluded_because
    from withdrawals
),

withdrawal_accesses as (
    select
        'K8' as figure,
        case when partner_id is null then 'unknown_downloads' else 'accesses_after' end as measure,
        'count' as kind,
        'events' as unit,
        asset_id || '|' || version_no::varchar || '|' || accessed_by as sample_id,
        partner_id,
        asset_id,
        withdrawn_at as occurred_at,
        case when partner_id is null then downloads else accesses_after end as numerator
    from accesses
),

items as (
    select
        'K10' as figure,
        unnest(['readiness', 'confirmation']) as measure,
        campaign_id || '|' || asset_id || '|' || partner_id as sample_id,
        partner_id,
        asset_id,
        launch_at as occurred_at,
        is_ready,
        is_waived,
        sent_at,
        confirmed_at
    from readiness
    where is_required or is_waived
),

item_figures as (
    select
        figure,
        measure,
        case when measure = 'readiness' then 'rate' else 'duration' end as kind,
        case when measure = 'readiness' then 'pairs' else 'seconds' end as unit,
        sample_id,
        partner_id,
        asset_id,
        occurred_at,
        case when is_ready then 1 else 0 end as numerator,
        1 as denominator,
        case
            when measure = 'confirmation' then seconds_between(sent_at, coalesce(confirmed_at, $as_of))
        end as seconds,
        confirmed_at is not null as is_observed,
        case when is_waived then 'waived' end as excluded_because
    from items
    where measure = 'readiness' or (sent_at <= coalesce(confirmed_at, $as_of) and not is_waived)
),

campaign_partners as (
    select
        'K10' as figure,
        'partners_ready' as measure,
        'rate' as kind,
        'partners' as unit,
        campaign_id || '|' || partner_id as sample_id,
        partner_id,
        min(launch_at) as occurred_at,
        case when bool_and(is_ready) filter (where is_required) then 1 else 0 end as numerator,
        1 as denominator,
        case when not bool_or(is_required) then 'waived' end as excluded_because
    from readiness
    where is_required or is_waived
    group by campaign_id, partner_id
),

issues as (
    select
        *,
        unnest(['triage', 'replacement', 'confirmation']) as stage
    from exceptions
),

stages as (
    select
        issue_id,
        partner_id,
        asset_id,
        reported_at,
        stage,
        case stage
            when 'triage' then triage_seconds
            when 'replacement' then replace_seconds
            else confirm_seconds
        end as calendar_seconds,
        case stage
            when 'triage' then triage_working_seconds
            when 'replacement' then replace_working_seconds
            else confirm_working_seconds
        end as working_seconds,
        case stage
            when 'triage' then triaged_at
            when 'replacement' then replaced_at
            else confirmed_at
        end is not null as is_observed
    from issues
),

issue_durations as (
    select
        'K11' as figure,
        stage as measure,
        'duration' as kind,
        'seconds' as unit,
        issue_id as sample_id,
        partner_id,
        asset_id,
        reported_at as occurred_at,
        working_seconds as seconds,
        is_observed,
        case when working_seconds is null then 'will_not_come' end as excluded_because
    from stages
    union all
    select
        'K11' as figure,
        stage || '_calendar' as measure,
        'duration' as kind,
        'seconds' as unit,
        issue_id as sample_id,
        partner_id,
        asset_id,
        reported_at as occurred_at,
        calendar_seconds as seconds,
        is_observed,
        case when calendar_seconds is null then 'will_not_come' end as excluded_because
    from stages
),

issue_rates as (
    select
        'K11' as figure,
        'reopened' as measure,
        'rate' as kind,
        'issues' as unit,
        issue_id as sample_id,
        partner_id,
        asset_id,
        reported_at as occurred_at,
        case when times_reopened > 0 then 1 else 0 end as numerator,
        1 as denominator,
        case when not was_answered then 'not_answered' end as excluded_because
    from exceptions
    union all
    select
        'K11' as figure,
        'repeats_per_asset' as measure,
        'repeats' as kind,
        'issues' as unit,
        issue_id as sample_id,
        partner_id,
        asset_id,
        reported_at as occurred_at,
        1 as numerator,
        1 as denominator,
        case when is_dismissed then 'dismissed' end as excluded_because
    from exceptions
    where asset_id is not null
),

issue_holders as (
    select
        'K11' as figure,
        'holders_informed' as measure,
        'rate' as kind,
        'partners' as unit,
        issue_id || '|' || partner_id as sample_id,
        partner_id,
        asset_id,
        reported_at as occurred_at,
        case when is_informed then 1 else 0 end as numerator,
        1 as denominator
    from exception_holders
),

every_sample as (
    select * from turnarounds
    union all by name
    select * from first_time_right
    union all by name
    select * from withdrawal_figures
    union all by name
    select * from withdrawal_accesses
    union all by name
    select * from item_figures
    union all by name
    select * from campaign_partners
    union all by name
    select * from issue_durations
    union all by name
    select * from issue_rates
    union all by name
    select * from issue_holders
),

judged as (
    select
        every_sample.* exclude (excluded_because),
        case
            when every_sample.excluded_because is not null then every_sample.excluded_because
            when every_sample.kind <> 'count' and lateness.is_late then 'data_late'
        end as excluded_because
    from every_sample
    inner join lateness on lateness.figure = every_sample.figure
),

late as (
    select
        * exclude (measure, kind, numerator),
        'data_late' as measure,
        'count' as kind,
        1 as numerator
    from judged
    where excluded_because = 'data_late'
        and measure in ('turnaround', 'first_time_right', 'completed', 'readiness', 'triage')
),

with_late as (
    select * from judged
    union all by name
    select * exclude (excluded_because) from late
),

samples as (
    select
        figure,
        measure,
        sample_id,
        kind,
        unit,
        group_id,
        partner_id,
        asset_id,
        occurred_at,
        case when kind <> 'duration' then numerator end as numerator,
        case when kind in ('rate', 'repeats') then denominator end as denominator,
        case when kind = 'duration' then seconds end as seconds,
        case when kind = 'duration' then is_observed end as is_observed,
        excluded_because
    from with_late
)

select * from samples
