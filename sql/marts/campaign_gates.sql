-- One row per campaign: how many of its partners are ready, whether its gate is reached, and which action would help
-- most.
-- Grain: campaign_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/domain.md, 9, P6. The gate is a share of the required partners. best_action is the next action of the most
-- partners that are not ready (marts.campaign_readiness); best_action_partners are those.
with readiness as (select * from marts.campaign_readiness),

campaigns as (select * from core.campaigns),

counted as (
    select
        campaign_id,
        min(launch_at) as first_launch_at,
        max(launch_at) as last_launch_at,
        count(*) filter (where is_required) as partners_required,
        count(*) filter (where is_required and is_ready) as partners_ready,
        count(*) filter (where forecast = 'will_miss') as partners_will_miss,
        count(*) filter (where forecast = 'missed') as partners_missed,
        sum(items_required)::bigint as items_required,
        sum(items_ready)::bigint as items_ready
    from readiness
    group by campaign_id
),

actions as (
    select campaign_id, next_action, count(*) as partners
    from readiness
    where next_action is not null
    group by campaign_id, next_action
),

best as (
    select
        campaign_id,
        arg_max(next_action, (partners, next_action)) as best_action,
        max(partners) as best_action_partners
    from actions
    group by campaign_id
),

gates as (
    select
        campaigns.campaign_id,
        campaigns.name as campaign_name,
        campaigns.status,
        campaigns.brand,
        campaigns.owner,
        counted.first_launch_at,
        counted.last_launch_at,
        coalesce(campaigns.gate_percent, 100) as gate_percent,
        coalesce(counted.partners_required, 0) as partners_required,
        coalesce(counted.partners_ready, 0) as partners_ready,
        case
            when counted.partners_required > 0 then 100.0 * counted.partners_ready / counted.partners_required
        end as ready_percent,
        case
            when counted.partners_required > 0
                then 100 * counted.partners_ready >= coalesce(campaigns.gate_percent, 100) * counted.partners_required
        end as is_gate_reached,
        coalesce(counted.partners_will_miss, 0) as partners_will_miss,
        coalesce(counted.partners_missed, 0) as partners_missed,
        coalesce(counted.items_required, 0) as items_required,
        coalesce(counted.items_ready, 0) as items_ready,
        best.best_action,
        best.best_action_partners
    from campaigns
    left join counted on counted.campaign_id = campaigns.campaign_id
    left join best on best.campaign_id = campaigns.campaign_id
)

select * from gates
