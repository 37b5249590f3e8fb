-- One row per action that a partner's request wants and that is not done: a move with its public comment, or a delivery.
-- Grain: action_text
-- Refresh: full
-- The columns' meaning is sql/sync/desired_actions.sql; the steps are docs/patterns/requests.md. The last part of a move's
-- text counts the moves to that state, a delivery's the deliveries of the request. Comments are sync.request_comments.
with fulfilments as (select * from sync.request_fulfilments where next_step is not null),

comments as (select * from sync.request_comments),

commented as (
    select
        fulfilments.*,
        comments.comment
    from fulfilments
    left join comments on comments.request_id = fulfilments.request_id
),

moves as (
    select
        'P1|' || key_part(request_id) || '|' || next_step || '|' || 1 + case next_step
            when 'accepted' then times_accepted
            when 'in_progress' then times_in_progress
            when 'waiting_partner' then times_waiting
            when 'delivered' then times_delivered
            when 'denied' then times_denied
            else times_closed
        end as action_text,
        'trading_grid' as target_system,
        'move_request' as operation,
        json_object('request_id', request_id, 'to_status', next_step, 'comment', comment) as payload,
        case
            when next_step = 'waiting_partner' then to_json(candidates)
            when delivery_id is not null then to_json([request_id, delivery_id])
            else to_json([request_id])
        end as evidence,
        case when next_step = 'delivered' then delivered_at else status_since end as due_at,
        commented.*
    from commented
    where next_step <> 'delivery'
),

sendings as (
    select
        'P1|' || key_part(request_id) || '|delivery|' || key_part(matched_asset_id) || '|' || target_version_no
        || '|' || deliveries + 1 as action_text,
        'vip' as target_system,
        'create_delivery' as operation,
        json_object(
            'partner_id', vip_partner_id,
            'asset_id', matched_asset_id,
            'version_no', cast(target_version_no as varchar),
            'channel', next_channel,
            'request_id', request_id,
            'expires_at', instant_text($as_of + to_seconds(expires_after_seconds))
        ) as payload,
        to_json([request_id]) as evidence,
        status_since as due_at,
        commented.*
    from commented
    where next_step = 'delivery'
),

both_kinds as (
    select * from moves
    union all
    select * from sendings
),

request_actions as (
    select
        action_text,
        'P1' as pattern,
        target_system,
        operation,
        'request' as subject_type,
        request_id as subject_id,
        next_step as step,
        partner_id,
        matched_asset_id as asset_id,
        cast(target_version_no as integer) as version_no,
        cast(payload as json) as payload,
        case
            when next_step = 'delivery'
                then 'version ' || target_version_no || ' lives for the partner and was not delivered yet'
            else 'the request is ' || status || ' and has to be ' || next_step
        end as reason,
        rule,
        cast(evidence as json) as evidence,
        due_at,
        coalesce(classification = 'safety', false) as is_urgent
    from both_kinds
)

select * from request_actions
