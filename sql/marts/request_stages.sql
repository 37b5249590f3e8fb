-- One row per request that a partner made by as_of: when its stages were reached, and what came of it.
-- Grain: request_id
-- Refresh: full
-- docs/domain.md, 9, P1. started_at: the step to new, else its creation. delivered_at: the first step to delivered. A
-- request of which no step is known at all has the status that it is shown with; one whose steps are all still to come
-- is new. outcome: delivered; open; undelivered, where it ended otherwise (denied, cancelled, closed); ended_at is then
-- the step that ended it. A row comes into being at core.requests.created_at or a step's occurred_at.
with requests as (select * from core.requests),

steps as (select * from core.request_events),

first_deliveries as (
    select request_id, min(occurred_at) as delivered_at
    from steps
    where to_status = 'delivered' and occurred_at <= $as_of
    group by request_id
),

folded as (
    select
        steps.request_id,
        min(steps.occurred_at) filter (where steps.to_status = 'new') as new_at,
        min(steps.occurred_at) as first_step_at,
        max(steps.occurred_at) filter (where steps.occurred_at <= $as_of) as last_step_at,
        arg_max(steps.to_status, (steps.occurred_at, steps.event_id)) filter (
            where steps.occurred_at <= $as_of
        ) as last_status,
        count(*) filter (where steps.to_status = 'reopened' and steps.occurred_at <= $as_of) as times_reopened,
        min(steps.occurred_at) filter (
            where steps.to_status = 'reopened'
                and steps.occurred_at <= $as_of
                and steps.occurred_at >= first_deliveries.delivered_at
        ) as reopened_at,
        min(steps.occurred_at) filter (where steps.occurred_at > $as_of) as next_step_at
    from steps
    left join first_deliveries on first_deliveries.request_id = steps.request_id
    group by steps.request_id
),

staged as (
    select
        requests.request_id,
        requests.partner_id,
        requests.asset_id,
        requests.needed_by,
        coalesce(folded.new_at, requests.created_at, folded.first_step_at, requests.ordered_at) as started_at,
        first_deliveries.delivered_at,
        folded.last_step_at,
        case
            when folded.request_id is not null then coalesce(folded.last_status, 'new')
            else coalesce(requests.status, 'new')
        end as status,
        coalesce(folded.times_reopened, 0) as times_reopened,
        folded.reopened_at,
        folded.next_step_at
    from requests
    left join folded on folded.request_id = requests.request_id
    left join first_deliveries on first_deliveries.request_id = requests.request_id
),

judged as (
    select
        *,
        case
            when delivered_at is not null then 'delivered'
            when status in ('denied', 'cancelled', 'delivered', 'confirmed', 'closed') then 'undelivered'
            else 'open'
        end as outcome
    from staged
    where started_at <= $as_of
),

stages as (
    select
        * exclude (last_step_at),
        case outcome when 'delivered' then delivered_at when 'undelivered' then last_step_at end as ended_at
    from judged
)

select * from stages
