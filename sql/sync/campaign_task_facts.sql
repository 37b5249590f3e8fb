-- One row per readiness or confirmation task of a campaign that is under way: what the facts say of it, and who moved it last.
-- Grain: task_id
-- Refresh: full
-- docs/patterns/campaigns.md. A readiness task is done when the partner obtained every item that it owes, a
-- confirmation when it acknowledged each (or stands higher, where the campaign asks for more); one without a partner
-- when the campaign's gate is reached by partners of whom that is true. is_undone: an item changed since we set it
-- done. is_left_alone: a person reopened it.
with tasks as (select * from core.campaign_tasks where kind in ('readiness', 'confirmation')),

editions as (select * from core.campaign_tasks_history),

campaigns as (select * from core.campaigns where status in ('planning', 'ready', 'launched')),

readiness as (select * from freshness.readiness where is_required),

changes as (
    select * from sync.earlier_actions where operation = 'change_campaign_task' and was_sent
),

partners as (
    select
        campaign_id,
        partner_id,
        bool_and(obtained_at is not null) as has_obtained,
        bool_and(evidence_rung >= greatest(required_rung, 5)) as has_confirmed,
        max(invalidated_at) as invalidated_at,
        list_sort(list(asset_id)) as asset_ids
    from readiness
    group by campaign_id, partner_id
),

of_campaigns as (
    select
        partners.campaign_id,
        100 * count(*) filter (where partners.has_obtained) >= any_value(coalesce(campaigns.gate_percent, 100)) * count(*)
        as has_obtained,
        100 * count(*) filter (where partners.has_confirmed) >= any_value(coalesce(campaigns.gate_percent, 100)) * count(*)
        as has_confirmed,
        max(partners.invalidated_at) as invalidated_at
    from partners
    inner join campaigns on campaigns.campaign_id = partners.campaign_id
    group by partners.campaign_id
),

own_changes as (
    select
        subject_id as task_id,
        arg_max(json_extract_string(payload, '$.status'), sent_at) as last_set,
        max(sent_at) as last_set_at,
        count(*) filter (where json_extract_string(payload, '$.status') = 'open') as times_reopened
    from changes
    group by subject_id
),

moved_before as (
    select distinct editions.task_id
    from editions
    inner join tasks on tasks.task_id = editions.task_id
    where editions.status <> 'open' and editions.ordered_at < tasks.ordered_at
),

judged as (
    select
        tasks.task_id,
        tasks.campaign_id,
        tasks.partner_id,
        tasks.kind,
        tasks.status,
        tasks.due_at,
        coalesce(
            case
                when tasks.kind = 'readiness' then coalesce(partners.has_obtained, of_campaigns.has_obtained)
                else coalesce(partners.has_confirmed, of_campaigns.has_confirmed)
            end,
            false
        ) as is_fact,
        coalesce(partners.asset_ids, []) as asset_ids,
        own_changes.last_set,
        coalesce(own_changes.times_reopened, 0) as times_reopened,
        coalesce(
            own_changes.last_set = 'done'
            and coalesce(partners.invalidated_at, of_campaigns.invalidated_at) > own_changes.last_set_at,
            false
        ) as is_undone,
        own_changes.last_set is not distinct from 'done'
        or (moved_before.task_id is not null and own_changes.last_set is distinct from 'open') as is_left_alone
    from tasks
    inner join campaigns on campaigns.campaign_id = tasks.campaign_id
    left join partners
        on partners.campaign_id = tasks.campaign_id
        and partners.partner_id = tasks.partner_id
    left join of_campaigns
        on of_campaigns.campaign_id = tasks.campaign_id
        and tasks.partner_id is null
    left join own_changes on own_changes.task_id = tasks.task_id
    left join moved_before on moved_before.task_id = tasks.task_id
)

select * from judged
