-- One row per notice: ours from its decision on, and those that others posted in Trading Grid.
-- Grain: notice_key
-- Refresh: full
-- notice_key is our action's key, else Trading Grid's notice_id. A second notice under one of our keys is a row of its own.
with actions as (select * from sync.actions where operation = 'post_notice'),

notices as (select * from core.notices),

posted as (
    select
        *,
        case
            when external_key is not null
                then row_number() over (partition by external_key order by posted_at, notice_id)
        end as place_under_key
    from notices
),

ours as (
    select
        actions.action_key as notice_key,
        coalesce(posted.notice_id, actions.remote_id) as remote_id,
        actions.action_key,
        coalesce(actions.redirect_to, actions.partner_id) as partner_id,
        case when actions.redirect_to is not null then actions.partner_id end as meant_for_partner_id,
        actions.asset_id,
        actions.version_no,
        actions.kind,
        actions.step,
        case when posted.retracted_at is not null then 'retracted' else actions.state end as state,
        actions.decided_at,
        coalesce(posted.posted_at, actions.sent_at) as sent_at,
        coalesce(posted.due_at, actions.due_at) as due_at,
        posted.read_at,
        posted.retracted_at,
        'vipgrid' as posted_by,
        coalesce(actions.suppressed_because, actions.reason) as reason,
        actions.attempts,
        actions.last_error,
        actions.batch
    from actions
    left join posted on posted.external_key = actions.action_key and posted.place_under_key = 1
),

others as (
    select
        posted.notice_id as notice_key,
        posted.notice_id as remote_id,
        cast(null as varchar) as action_key,
        posted.partner_id,
        cast(null as varchar) as meant_for_partner_id,
        posted.asset_id,
        cast(posted.version_no as integer) as version_no,
        posted.kind,
        cast(null as varchar) as step,
        case when posted.retracted_at is not null then 'retracted' else 'sent' end as state,
        cast(null as timestamptz) as decided_at,
        posted.posted_at as sent_at,
        posted.due_at,
        posted.read_at,
        posted.retracted_at,
        case when actions.action_key is not null then 'vipgrid' else 'trading_grid' end as posted_by,
        case when actions.action_key is not null then 'posted a second time under one key' end as reason,
        cast(null as integer) as attempts,
        cast(null as varchar) as last_error,
        cast(null as varchar) as batch
    from posted
    left join actions on actions.action_key = posted.external_key
    where actions.action_key is null or posted.place_under_key > 1
),

notice_log as (
    select * from ours
    union all by name
    select * from others
)

select * from notice_log
