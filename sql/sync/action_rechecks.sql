-- One row per action that was decided, is not sent, and is not to be sent as it stands.
-- Grain: action_key
-- Refresh: full
-- After: ledger.actions
-- The last look before sending: verdict suppress (with the reason), wait (the data is late, or
-- everything goes to a test partner), or found (the target is as it should be, and may be so by us). Notices are
-- sync.notice_rechecks. An action that was never on its way and is done all the same was done by somebody else.
with actions as (
    select *
    from sync.actions
    where
        action_text is not null
        and state in ('held_for_approval', 'pending', 'leased', 'unknown', 'failed')
),

notice_rechecks as (select * from sync.notice_rechecks),

desired_actions as (select * from sync.desired_actions),

feeds as (select * from sync.action_feeds),

settings as (select * from ops.notice_settings),

request_events as (select * from core.request_events),

issue_events as (select * from core.issue_events),

campaign_tasks as (select * from core.campaign_tasks),

reviews as (select * from core.reviews),

notices as (select * from core.notices),

deliveries as (select * from core.deliveries),

looks as (
    select
        actions.action_key,
        actions.operation,
        actions.pattern,
        actions.subject_id,
        actions.decided_at,
        actions.state in ('leased', 'unknown') as may_be_there,
        actions.asset_id,
        actions.version_no,
        actions.partner_id,
        json_extract_string(actions.payload, '$.to_status') as to_status,
        json_extract_string(actions.payload, '$.status') as status,
        json_extract_string(actions.payload, '$.request_id') as request_id,
        json_extract_string(actions.payload, '$.issue_id') as issue_id,
        json_extract_string(actions.payload, '$.task_id') as task_id,
        json_extract_string(actions.payload, '$.review_id') as review_id,
        json_extract_string(actions.payload, '$.notice_id') as notice_id,
        json_extract_string(actions.payload, '$.package_id') as package_id
    from actions
),

effects as (
    select looks.action_key, min(request_events.event_id) as remote_id
    from looks
    inner join request_events
        on request_events.request_id = looks.request_id
        and request_events.to_status = looks.to_status
        and request_events.known_at > looks.decided_at
    where looks.operation = 'move_request'
    group by looks.action_key
    union all
    select looks.action_key, min(issue_events.event_id) as remote_id
    from looks
    inner join issue_events
        on issue_events.issue_id = looks.issue_id
        and issue_events.to_status = looks.to_status
        and issue_events.known_at > looks.decided_at
    where looks.operation = 'move_issue'
    group by looks.action_key
    union all
    select looks.action_key, campaign_tasks.task_id as remote_id
    from looks
    inner join campaign_tasks
        on campaign_tasks.task_id = looks.task_id
        and campaign_tasks.status = looks.status
    where looks.operation = 'change_campaign_task'
    union all
    select looks.action_key, min(reviews.review_id) as remote_id
    from looks
    inner join reviews on reviews.issue_id = looks.issue_id
    where looks.operation = 'open_review' and reviews.known_at > looks.decided_at
    group by looks.action_key
    union all
    select looks.action_key, reviews.review_id as remote_id
    from looks
    inner join reviews
        on reviews.review_id = looks.review_id
        and reviews.status = looks.status
    where looks.operation = 'answer_review'
    union all
    select looks.action_key, notices.notice_id as remote_id
    from looks
    inner join notices on notices.notice_id = looks.notice_id
    where looks.operation = 'retract_notice' and notices.retracted_at is not null
    union all
    select looks.action_key, min(deliveries.delivery_id) as remote_id
    from looks
    inner join deliveries
        on deliveries.partner_id = looks.partner_id
        and deliveries.asset_id = looks.asset_id
        and deliveries.version_no = looks.version_no
        and deliveries.request_id is not distinct from looks.request_id
        and deliveries.package_id is not distinct from looks.package_id
        and deliveries.known_at > looks.decided_at
    where looks.operation = 'create_delivery'
    group by looks.action_key
),

judged as (
    select
        looks.action_key,
        case
            when effects.action_key is not null and looks.may_be_there then 'found'
            when settings.redirect_to is not null or feeds.is_late then 'wait'
            when desired_actions.action_text is null then 'suppress'
        end as verdict,
        case
            when effects.action_key is not null and looks.may_be_there then 'the_target_is_as_it_should_be'
            when settings.redirect_to is not null then 'redirected'
            when feeds.is_late then 'data_late'
            when effects.action_key is not null then 'done_by_somebody_else'
            else 'no_longer_desired'
        end as reason,
        case when looks.may_be_there then effects.remote_id end as remote_id
    from looks
    cross join settings
    inner join actions on actions.action_key = looks.action_key
    left join effects on effects.action_key = looks.action_key
    left join desired_actions on desired_actions.action_text = actions.action_text
    left join feeds on feeds.pattern = looks.pattern
),

rechecks as (
    select
        action_key,
        verdict,
        reason,
        remote_id
    from judged
    where verdict is not null
    union all by name
    select * from notice_rechecks
)

select * from rechecks
