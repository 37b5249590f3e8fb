-- One row per action that P6 wants and that is not done: what is to be changed where, and why.
-- Grain: action_text
-- Refresh: full
-- The columns' meaning is sql/sync/desired_actions.sql; docs/patterns/campaigns.md has the table. Delivered is what is
-- owed, final and not obtained, once, and again after a failure, three times at most; a delivery that a person
-- cancelled stays so. Set done are tasks that the facts show as done, and open again those that we set so and a change
-- undid. Approvals are a person's: the owner is reminded in the campaign's thread, internally. A cancelled campaign
-- takes its notices back.
with items as (select * from sync.campaign_items),

packages as (select * from sync.campaign_packages),

task_facts as (select * from sync.campaign_task_facts),

partner_names as (select * from sync.partner_names),

deliveries as (select * from core.deliveries),

campaigns as (select * from core.campaigns),

tasks as (select * from core.campaign_tasks),

campaign_packages as (select * from core.packages where campaign_id is not null),

notices as (
    select * from core.notices where kind = 'launch_package' and external_key is not null and retracted_at is null
),

decided as (
    select * from ledger.entries
    where kind = 'action_decided' and json_extract_string(data, '$.kind') = 'launch_package'
),

comments_sent as (
    select * from sync.earlier_actions where pattern = 'P6' and operation = 'create_comment' and was_sent
),

settings as (select * from ops.notice_settings),

usual_channels as (
    select partner_id, arg_max(channel, (status_at, delivery_id)) as channel
    from deliveries
    where status in ('delivered', 'picked_up')
    group by partner_id
),

parcels as (
    select
        partner_id,
        asset_id,
        version_no,
        count(*) filter (where status in ('failed', 'expired')) as failures,
        bool_or(status not in ('failed', 'expired')) as is_there
    from deliveries
    group by partner_id, asset_id, version_no
),

owed as (
    select
        items.campaign_id,
        items.partner_id,
        items.asset_id,
        items.launch_version_no,
        min(items.package_id) as package_id,
        min(packages.due_at) as due_at,
        bool_or(packages.launch_at <= $as_of + interval 24 hours) as is_urgent
    from items
    inner join packages
        on packages.campaign_id = items.campaign_id
        and packages.partner_id = items.partner_id
        and packages.package_id = items.package_id
    where packages.stage = 'final'
        and packages.is_ours
        and items.is_owed
        and items.is_packed
        and items.blocked_by is null
        and items.obtained_at is null
    group by items.campaign_id, items.partner_id, items.asset_id, items.launch_version_no
    qualify row_number() over (
        partition by items.partner_id, items.asset_id, items.launch_version_no order by items.campaign_id
    ) = 1
),

to_deliver as (
    select
        'P6|' || key_part(owed.campaign_id) || '|' || key_part(owed.partner_id) || '|delivery|' || key_part(owed.asset_id)
        || '|' || owed.launch_version_no || '|' || (coalesce(parcels.failures, 0) + 1) as action_text,
        'vip' as target_system,
        'create_delivery' as operation,
        'campaign' as subject_type,
        owed.campaign_id as subject_id,
        'delivery:' || owed.launch_version_no as step,
        owed.partner_id,
        owed.asset_id,
        cast(owed.launch_version_no as integer) as version_no,
        json_object(
            'partner_id', partner_names.vip_partner_id,
            'asset_id', owed.asset_id,
            'version_no', cast(owed.launch_version_no as varchar),
            'channel', coalesce(usual_channels.channel, 'portal'),
            'package_id', owed.package_id
        ) as payload,
        'The package is final, and the partner has not obtained this version of a required item.' as reason,
        case when parcels.failures > 0 then 'delivery_failed' else 'package_final' end as rule,
        to_json([owed.campaign_id, owed.package_id]) as evidence,
        owed.due_at,
        owed.is_urgent
    from owed
    inner join partner_names on partner_names.partner_id = owed.partner_id
    left join parcels
        on parcels.partner_id = owed.partner_id
        and parcels.asset_id = owed.asset_id
        and parcels.version_no = owed.launch_version_no
    left join usual_channels on usual_channels.partner_id = owed.partner_id
    where partner_names.vip_partner_id is not null
        and not coalesce(parcels.is_there, false)
        and coalesce(parcels.failures, 0) < 3
),

task_moves as (
    select
        'P6|' || key_part(task_id) || '|' || case when status = 'open' then 'done' else 'open' end
        || '|' || (times_reopened + 1) as action_text,
        'trading_grid' as target_system,
        'change_campaign_task' as operation,
        'campaign_task' as subject_type,
        task_id as subject_id,
        case when status = 'open' then 'done' else 'open' end as step,
        partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        json_object('task_id', task_id, 'status', case when status = 'open' then 'done' else 'open' end) as payload,
        case
            when status = 'done' then 'An item changed after this was set done, and the partner has not followed yet.'
            when kind = 'readiness' then 'Every required item was obtained in the version that is live at the launch.'
            else 'Receipt of every required item was confirmed.'
        end as reason,
        case when status = 'done' then 'undone_by_a_change' else kind || '_is_a_fact' end as rule,
        to_json(list_concat([campaign_id], asset_ids)) as evidence,
        due_at,
        false as is_urgent
    from task_facts
    where (status = 'open' and is_fact and not is_left_alone)
        or (status = 'done' and is_undone and not is_fact)
),

approvals as (
    select
        tasks.*,
        campaigns.owner,
        coalesce(campaigns.name, campaigns.campaign_id) as campaign_name,
        case when tasks.due_at <= $as_of then 2 else 1 end as reminder_no
    from tasks
    inner join campaigns on campaigns.campaign_id = tasks.campaign_id
    cross join settings
    where tasks.kind = 'approval'
        and tasks.status in ('open', 'blocked')
        and campaigns.status in ('planning', 'ready')
        and tasks.due_at <= $as_of + interval 48 hours
        and tasks.due_at >= settings.notify_from
),

reminders as (
    select
        'P6|' || key_part(task_id) || '|reminder|' || reminder_no as action_text,
        'trading_grid' as target_system,
        'create_comment' as operation,
        'campaign_task' as subject_type,
        task_id as subject_id,
        'reminder:' || reminder_no as step,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        json_object(
            'thread_type', 'campaign',
            'thread_id', campaign_id,
            'visibility', 'internal',
            'body', coalesce(owner || ': ', '') || 'the approval ' || task_id || ' of ' || left(campaign_name, 200)
            || case when reminder_no = 1 then ' is due on ' else ' was due on ' end || utc_day(due_at)
            || case when status = 'blocked' then ' and is blocked' else '' end
            || '. Nothing of the package goes to partners before it is done or waived.'
        ) as payload,
        'An approval is a person''s, and it is not given.' as reason,
        case when reminder_no = 1 then 'approval_due_soon' else 'approval_overdue' end as rule,
        to_json([campaign_id, task_id]) as evidence,
        due_at,
        false as is_urgent
    from approvals
    anti join comments_sent
        on comments_sent.subject_id = approvals.task_id
        and comments_sent.step = 'reminder:' || approvals.reminder_no
),

to_take_back as (
    select
        'P6|' || key_part(campaigns.campaign_id) || '|cancelled|' || key_part(notices.notice_id) as action_text,
        'trading_grid' as target_system,
        'retract_notice' as operation,
        'notice' as subject_type,
        notices.notice_id as subject_id,
        'cancelled' as step,
        notices.partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        json_object(
            'notice_id', notices.notice_id,
            'reason', left(coalesce(campaigns.name, campaigns.campaign_id), 200) || ' is cancelled.'
        ) as payload,
        'The campaign is cancelled, and its partners were told of the launch.' as reason,
        'campaign_cancelled' as rule,
        to_json([campaigns.campaign_id, notices.package_id]) as evidence,
        campaigns.ordered_at as due_at,
        true as is_urgent
    from notices
    semi join decided on decided.source_id = notices.external_key
    inner join campaign_packages on campaign_packages.package_id = notices.package_id
    inner join campaigns on campaigns.campaign_id = campaign_packages.campaign_id
    where campaigns.status = 'cancelled'
),

wanted as (
    select * from to_deliver
    union all by name
    select * from task_moves
    union all by name
    select * from reminders
    union all by name
    select * from to_take_back
),

campaign_actions as (
    select
        action_text,
        'P6' as pattern,
        target_system,
        operation,
        subject_type,
        subject_id,
        step,
        partner_id,
        asset_id,
        version_no,
        payload,
        reason,
        rule,
        evidence,
        due_at,
        is_urgent
    from wanted
)

select * from campaign_actions
