-- One row per request that a partner made by as_of: how long until it was delivered, and whether that was right at once.
-- Grain: request_id
-- Refresh: full
-- docs/domain.md, 9, P1; 11, K1 and K2. working_seconds are the business calendar's, in unpaused states, from new to the
-- first delivered; of an open one so far (is_censored). One that ended otherwise is 'undelivered', and in no quantile.
-- is_first_time_right is null until judged_at has passed: then no issue of this partner about this asset, and no
-- reopening, may have come before that. asset_id is the request's, else that of its first delivery. The time is opened
-- by marts.request_stretches.
with stages as (select * from marts.request_stages),

stretches as (select * from marts.request_stretches),

deliveries as (select * from core.deliveries where request_id is not null and status_at <= $as_of),

exceptions as (select * from marts.exception_stages),

service_levels as (select * from ops.service_levels),

sent as (
    select
        request_id,
        arg_min(asset_id, (coalesce(created_at, status_at), delivery_id)) as asset_id,
        list_sort(list(delivery_id)) as delivery_ids
    from deliveries
    group by request_id
),

spent as (
    select
        request_id,
        round(sum(working_seconds) filter (where not is_paused), 6) as working_seconds,
        round(sum(calendar_seconds) filter (where not is_paused), 6) as calendar_seconds,
        round(sum(calendar_seconds) filter (where is_paused), 6) as paused_seconds
    from stretches
    group by request_id
),

known as (
    select
        stages.* exclude (asset_id),
        coalesce(stages.asset_id, sent.asset_id) as asset_id,
        coalesce(sent.delivery_ids, []) as delivery_ids,
        stages.delivered_at + to_seconds(service_levels.first_time_right_seconds) as judged_at,
        coalesce(spent.working_seconds, 0) as working_seconds,
        coalesce(spent.calendar_seconds, 0) as calendar_seconds,
        coalesce(spent.paused_seconds, 0) as paused_seconds,
        service_levels.request_seconds as target_seconds
    from stages
    cross join service_levels
    left join sent on sent.request_id = stages.request_id
    left join spent on spent.request_id = stages.request_id
),

complaints as (
    select
        known.request_id,
        arg_min(exceptions.issue_id, (exceptions.reported_at, exceptions.issue_id)) as issue_id,
        min(exceptions.reported_at) as complained_at
    from known
    inner join exceptions
        on exceptions.partner_id = known.partner_id
        and exceptions.asset_id = known.asset_id
        and exceptions.reported_at >= known.delivered_at
    group by known.request_id
),

turnaround as (
    select
        known.request_id,
        known.partner_id,
        known.asset_id,
        known.delivery_ids,
        known.status,
        known.outcome,
        known.outcome = 'open' as is_censored,
        known.started_at,
        known.delivered_at,
        known.working_seconds,
        known.calendar_seconds,
        known.paused_seconds,
        known.target_seconds,
        known.outcome <> 'undelivered' and known.working_seconds > known.target_seconds as is_breached,
        known.needed_by,
        coalesce(
            known.needed_by < coalesce(known.delivered_at, case when known.outcome = 'open' then $as_of end), false
        ) as is_needed_by_missed,
        known.times_reopened,
        known.reopened_at,
        complaints.issue_id,
        complaints.complained_at,
        known.judged_at,
        case
            when known.judged_at < $as_of
                then coalesce(least(known.reopened_at, complaints.complained_at) >= known.judged_at, true)
        end as is_first_time_right,
        case
            when known.outcome = 'open' then $as_of + interval 1 microsecond
            else
                least(
                    known.next_step_at,
                    case when known.judged_at >= $as_of then known.judged_at + interval 1 microsecond end
                )
        end as next_change_at
    from known
    left join complaints on complaints.request_id = known.request_id
)

select * from turnaround
