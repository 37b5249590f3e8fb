-- One row per campaign and partner: what it still lacks for the launch in its zone, whether it will make it, and what
-- helps.
-- Grain: campaign_id, partner_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/domain.md, 9, P6; 11, K10. Counted are the required items of freshness.readiness. forecast: ready; missed
-- (launched without it); will_miss: an item is blocked, or expected after the launch only, or not even after the ninth
-- decile; on_course; unknown: nothing to estimate from. An item is expected the median time after it was sent, where
-- that has passed the ninth decile, where it was not sent the median from now (K10, confirmation: sent to confirmed,
-- over all campaigns). next_action is the one that the most of the missing items wait for, the earliest in the chain of
-- several; none helps a closed campaign.
with readiness as (select * from freshness.readiness),

campaigns as (select * from core.campaigns),

partners as (select * from core.partners),

quantiles as (
    select * from marts.process_quantiles
    where figure = 'K10' and weighting = 'pair' and dimension = 'all' and period = 'all'
),

pace as (
    select
        max(value) filter (where measure = 'confirmation_p50') as p50_seconds,
        max(value) filter (where measure = 'confirmation_p90') as p90_seconds
    from quantiles
),

missing as (
    select
        readiness.*,
        case
            when blocked_by = 'no_launch_date' then 1
            when blocked_by = 'no_version' then 2
            when blocked_by = 'barred' then 3
            when blocked_by = 'not_entitled' then 4
            when blocked_by = 'embargo' then 5
            when state = 'required' then 6
            when state = 'invalidated' then 7
            when state = 'sent' then 8
            else 9
        end as action_place,
        case
            when blocked_by in ('no_launch_date', 'no_version', 'barred', 'not_entitled') then null
            when sent_at is null then $as_of + to_seconds(pace.p50_seconds)
            when sent_at + to_seconds(pace.p50_seconds) > $as_of then sent_at + to_seconds(pace.p50_seconds)
            when sent_at + to_seconds(pace.p90_seconds) > $as_of then sent_at + to_seconds(pace.p90_seconds)
        end as expected_at,
        coalesce(sent_at + to_seconds(pace.p90_seconds) <= $as_of, false) as is_beyond_expectation
    from readiness
    cross join pace
    where readiness.is_required and not readiness.is_ready
),

actions as (
    select
        campaign_id,
        partner_id,
        action_place,
        count(*) as items
    from missing
    group by campaign_id, partner_id, action_place
),

best as (
    select
        campaign_id,
        partner_id,
        arg_max(action_place, (items, -action_place)) as action_place,
        max(items) as items
    from actions
    group by campaign_id, partner_id
),

lacking as (
    select
        campaign_id,
        partner_id,
        list_sort(list(asset_id || ' (' || coalesce(blocked_by, state) || ')')) as missing,
        max(expected_at) as expected_at,
        bool_or(blocked_by in ('no_launch_date', 'no_version', 'barred', 'not_entitled')) as is_blocked,
        bool_or(is_beyond_expectation) as is_beyond_expectation,
        bool_and(expected_at is not null) as is_expected
    from missing
    group by campaign_id, partner_id
),

counted as (
    select
        campaign_id,
        partner_id,
        max(launch_at) as launch_at,
        max(required_rung) as required_rung,
        count(*) as items,
        count(*) filter (where is_required) as items_required,
        count(*) filter (where is_required and is_ready) as items_ready,
        count(*) filter (where is_required and state = 'invalidated') as items_invalidated,
        count(*) filter (where is_waived) as items_waived,
        max(confirmed_at) filter (where is_required) as last_confirmed_at
    from readiness
    group by campaign_id, partner_id
),

joined as (
    select
        counted.*,
        campaigns.name as campaign_name,
        campaigns.status as campaign_status,
        campaigns.brand,
        campaigns.owner,
        coalesce(campaigns.gate_percent, 100) as gate_percent,
        partners.name as partner_name,
        partners.region,
        partners.tier,
        counted.items_required > 0 as is_required,
        counted.items_required > 0 and counted.items_ready = counted.items_required as is_ready,
        coalesce(counted.launch_at <= $as_of, false) as is_launched,
        coalesce(lacking.missing, []) as missing,
        lacking.expected_at,
        lacking.is_blocked,
        lacking.is_beyond_expectation,
        lacking.is_expected,
        best.action_place,
        best.items as next_action_items
    from counted
    inner join campaigns on campaigns.campaign_id = counted.campaign_id
    inner join partners on partners.partner_id = counted.partner_id
    left join lacking
        on lacking.campaign_id = counted.campaign_id
        and lacking.partner_id = counted.partner_id
    left join best
        on best.campaign_id = counted.campaign_id
        and best.partner_id = counted.partner_id
),

campaign_readiness as (
    select
        campaign_id,
        partner_id,
        campaign_name,
        campaign_status,
        brand,
        owner,
        partner_name,
        region,
        tier,
        launch_at,
        is_launched,
        required_rung,
        gate_percent,
        is_required,
        is_ready,
        items,
        items_required,
        items_ready,
        items_invalidated,
        items_waived,
        case when items_required > 0 then 100.0 * items_ready / items_required end as ready_percent,
        last_confirmed_at,
        is_ready and last_confirmed_at > launch_at as is_ready_late,
        missing,
        case
            when not is_required then null
            when is_ready then 'ready'
            when is_launched then 'missed'
            when is_blocked or is_beyond_expectation or expected_at > launch_at then 'will_miss'
            when is_expected then 'on_course'
            else 'unknown'
        end as forecast,
        case when is_required and not is_ready then expected_at end as expected_at,
        case
            when is_required and not is_ready and campaign_status is distinct from 'closed'
                then [
                    'set_launch_date', 'approve_version', 'replace_barred_item', 'grant_access', 'lift_embargo',
                    'send_package', 'send_new_version', 'remind_to_obtain', 'ask_for_confirmation'
                ][action_place]
        end as next_action,
        case when campaign_status is distinct from 'closed' then next_action_items end as next_action_items
    from joined
)

select * from campaign_readiness
