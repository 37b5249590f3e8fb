-- One row per thing that stands in the way of a launch, was missed by one, or contradicts what Trading Grid says of it.
-- Grain: finding_id
-- Refresh: full
-- docs/domain.md, 8 and 9 (P6); docs/patterns/campaigns.md has the rules. Which partners and items they are is
-- freshness.readiness. That somebody does not have something is said only up to what the feeds are known for.
with campaigns as (select * from core.campaigns where status in ('planning', 'ready', 'launched')),

campaign_partners as (select * from core.campaign_partners),

tasks as (select * from core.campaign_tasks),

every_readiness as (select * from freshness.readiness),

deliveries as (select * from core.deliveries),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'partner' and holds_from <= $as_of and holds_until > $as_of
),

lateness as (select is_late from ops.data_late where claim = 'position'),

readiness as (
    select every_readiness.*, campaigns.status, coalesce(campaigns.gate_percent, 100) as gate_percent
    from every_readiness
    inner join campaigns on campaigns.campaign_id = every_readiness.campaign_id
),

owed as (select * from readiness where is_required),

unconfirmed as (
    select
        campaign_id,
        count(distinct partner_id) as partners,
        count(distinct asset_id) as items
    from owed
    where status = 'ready' and not is_ready
    group by campaign_id
),

ready_unconfirmed as (
    select
        'campaign_ready_unconfirmed:campaign:' || campaign_id as finding_id,
        'campaign_ready_unconfirmed' as rule,
        'warning' as severity,
        campaign_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'the campaign is ready, but ' || partners::varchar || ' partners have not confirmed ' || items::varchar
        || ' required items' as detail
    from unconfirmed
),

ready_at_launch as (
    select
        campaign_id,
        partner_id,
        any_value(gate_percent) as gate_percent,
        max(launch_at) as launch_at,
        bool_and(coalesce(confirmed_at <= launch_at, false)) as was_ready
    from owed
    group by campaign_id, partner_id
),

gates as (
    select
        campaign_id,
        any_value(gate_percent) as gate_percent,
        count(*) as partners,
        count(*) filter (where was_ready) as partners_ready,
        max(launch_at) as last_launch_at
    from ready_at_launch
    group by campaign_id
),

gates_missed as (
    select
        'launch_gate_missed:campaign:' || campaign_id as finding_id,
        'launch_gate_missed' as rule,
        'error' as severity,
        campaign_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'at the launch ' || partners_ready || ' of ' || partners || ' required partners were ready; the gate is '
        || gate_percent || ' %' as detail
    from gates
    cross join lateness
    where last_launch_at <= $as_of and 100 * partners_ready < gate_percent * partners and not lateness.is_late
),

without_rights as (
    select
        'campaign_partner_without_rights:campaign:' || campaign_id || '|' || partner_id as finding_id,
        'campaign_partner_without_rights' as rule,
        'warning' as severity,
        campaign_id,
        partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'it is required for the launch, and may not have ' || string_agg(asset_id || ' (' || blocked_by || ')', ', ' order by asset_id)
        || '; grant it in VIP, replace the item, or excuse the partner' as detail
    from owed
    where blocked_by in ('not_entitled', 'barred')
    group by campaign_id, partner_id
),

not_final as (
    select
        'campaign_item_not_final:campaign:' || campaign_id || '|' || asset_id as finding_id,
        'campaign_item_not_final' as rule,
        'error' as severity,
        campaign_id,
        null::varchar as partner_id,
        asset_id,
        null::bigint as version_no,
        case
            when bool_or(blocked_by = 'no_launch_date') then 'the campaign has no launch date that can be resolved'
            else 'no version of the item will be live at the launch for ' || count(distinct partner_id)
                || ' partners, and it is a week away or less; approve one, or take the item out'
        end as detail
    from owed
    where blocked_by = 'no_launch_date'
        or (blocked_by = 'no_version' and launch_at <= $as_of + interval 7 days)
    group by campaign_id, asset_id
),

approvals as (
    select tasks.*, campaigns.status as campaign_status
    from tasks
    inner join campaigns on campaigns.campaign_id = tasks.campaign_id
    where tasks.kind = 'approval' and tasks.status in ('open', 'blocked')
),

approvals_overdue as (
    select
        'campaign_approval_overdue:campaign_task:' || task_id as finding_id,
        'campaign_approval_overdue' as rule,
        'error' as severity,
        campaign_id,
        partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'the approval ' || task_id || ' was due on ' || utc_day(due_at) || ' and is ' || status
        || '; nothing goes to partners before it' as detail
    from approvals
    where due_at <= $as_of and campaign_status <> 'launched'
),

launched_without_approval as (
    select
        'launched_without_approval:campaign_task:' || task_id as finding_id,
        'launched_without_approval' as rule,
        'error' as severity,
        campaign_id,
        partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'the campaign was launched, and the approval ' || task_id || ' is ' || status as detail
    from approvals
    where campaign_status = 'launched'
),

not_obtained as (
    select campaign_id, partner_id, list_sort(list(asset_id)) as asset_ids
    from owed
    where obtained_at is null
    group by campaign_id, partner_id
),

against_facts as (
    select
        'task_done_against_facts:campaign_task:' || tasks.task_id as finding_id,
        'task_done_against_facts' as rule,
        'warning' as severity,
        tasks.campaign_id,
        tasks.partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'the ' || tasks.kind || ' ' || tasks.task_id || ' is done, and the partner has not obtained '
        || array_to_string(not_obtained.asset_ids, ', ') || ' in the version that is live at the launch' as detail
    from tasks
    cross join lateness
    inner join not_obtained
        on not_obtained.campaign_id = tasks.campaign_id
        and not_obtained.partner_id = tasks.partner_id
    where tasks.kind in ('readiness', 'confirmation')
        and tasks.status = 'done'
        and coalesce(tasks.completed_at, tasks.ordered_at) <= $as_of - interval 24 hours
        and not lateness.is_late
),

failures as (
    select
        owed.campaign_id,
        owed.partner_id,
        owed.asset_id,
        owed.launch_version_no,
        count(*) as failures
    from owed
    inner join deliveries
        on deliveries.partner_id = owed.partner_id
        and deliveries.asset_id = owed.asset_id
        and deliveries.version_no = owed.launch_version_no
    where owed.obtained_at is null
    group by owed.campaign_id, owed.partner_id, owed.asset_id, owed.launch_version_no
    having count(*) >= 3 and bool_and(deliveries.status in ('failed', 'expired'))
),

deliveries_failed as (
    select
        'campaign_delivery_failed:campaign:' || campaign_id || '|' || partner_id || '|' || asset_id as finding_id,
        'campaign_delivery_failed' as rule,
        'error' as severity,
        campaign_id,
        partner_id,
        asset_id,
        launch_version_no as version_no,
        failures || ' deliveries failed or expired; it is not tried again: ask the partner for another channel' as detail
    from failures
),

names_in_vip as (
    select target_id as partner_id
    from identities
    where target_id is not null and target_id <> source_id
),

without_name as (
    select distinct
        'campaign_partner_unmatched:campaign:' || owed.campaign_id || '|' || owed.partner_id as finding_id,
        'campaign_partner_unmatched' as rule,
        'error' as severity,
        owed.campaign_id,
        owed.partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'nobody can say what the partner is called in VIP, so nothing is delivered to it; add it to xref' as detail
    from owed
    semi join identities
        on identities.source_id = owed.partner_id
        and identities.target_id is distinct from identities.source_id
    anti join names_in_vip on names_in_vip.partner_id = owed.partner_id
),

without_package as (
    select
        'campaign_without_package:campaign:' || campaigns.campaign_id as finding_id,
        'campaign_without_package' as rule,
        'error' as severity,
        campaigns.campaign_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'it launches within fourteen days, and its partners are to get nothing: it has no package, or an empty one' as detail
    from campaigns
    semi join campaign_partners on campaign_partners.campaign_id = campaigns.campaign_id
    anti join readiness on readiness.campaign_id = campaigns.campaign_id
    where local_to_instant(campaigns.launch_local, 'UTC') <= $as_of + interval 14 days
),

every_rule as (
    select * from ready_unconfirmed
    union all
    select * from gates_missed
    union all
    select * from without_rights
    union all
    select * from not_final
    union all
    select * from approvals_overdue
    union all
    select * from launched_without_approval
    union all
    select * from against_facts
    union all
    select * from deliveries_failed
    union all
    select * from without_name
    union all
    select * from without_package
),

conditions as (
    select
        finding_id,
        rule,
        severity,
        'campaign' as subject_type,
        campaign_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        detail,
        campaign_id
    from every_rule
)

select * from conditions
