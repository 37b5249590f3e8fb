-- One row per action that a partner's request wants and that is not done: a move with its public comment, or a delivery.
-- Grain: action_text
-- Refresh: full
-- The columns' meaning is sql/sync/desired_actions.sql; the steps are docs/patterns/requests.md. The last part of a move's
-- text counts the moves to that state, a delivery's the deliveries of the request. A comment names what is the partner's
-- own only: where it may not have an asset, it is told in the words that it asked in.
with fulfilments as (select * from sync.request_fulfilments where next_step is not null),

assets as (select * from core.assets),

asset_names as (select * from sync.asset_names),

offered as (
    select
        request_id,
        unnest(candidates) as asset_id,
        generate_subscripts(candidates, 1) as place
    from fulfilments
    where next_step = 'waiting_partner'
),

lists as (
    select
        offered.request_id,
        string_agg(
            offered.place || '. ' || left(coalesce(assets.title, offered.asset_id), 200)
            || ' ('
            || concat_ws(
                ', ', assets.sku, assets.locale, coalesce(asset_names.trading_grid_asset_id, offered.asset_id)
            )
            || ')',
            chr(10)
            order by offered.place
        ) as lines
    from offered
    inner join assets on assets.asset_id = offered.asset_id
    left join asset_names on asset_names.asset_id = offered.asset_id
    group by offered.request_id
),

settings as (select * from ops.fulfilment_settings),

worded as (
    select
        fulfilments.*,
        lists.lines,
        strftime(
            timezone(fulfilments.zone, $as_of + to_seconds(settings.answer_within_seconds)), '%-d %B %Y, %H:%M'
        ) || ' (' || fulfilments.zone || ')' as answer_by,
        '"' || left(coalesce(fulfilments.title, fulfilments.matched_asset_id), 200) || '"' as what,
        case
            when fulfilments.asset_query is not null then '"' || left(fulfilments.asset_query, 200) || '"'
            when fulfilments.source_asset_id is not null then '"' || left(fulfilments.source_asset_id, 200) || '"'
            else 'what you asked for'
        end as asked_for,
        case
            when len(fulfilments.restricted_regions) > 0
                then ' It may not be used in ' || array_to_string(fulfilments.restricted_regions, ', ') || '.'
            else ''
        end as restriction
    from fulfilments
    cross join settings
    left join lists on lists.request_id = fulfilments.request_id
),

commented as (
    select
        *,
        case
            when next_step = 'accepted' and verdict = 'one'
                then 'Thank you for your request. We take it up: ' || what || '.'
            when next_step = 'accepted' then 'Thank you for your request. We are looking for what you asked for.'
            when next_step = 'in_progress' and rule = 'answered' and verdict = 'one'
                then 'Thank you for your answer. We go on with ' || what || '.'
            when next_step = 'in_progress' and rule = 'answered' then 'Thank you for your answer. We go on.'
            when next_step = 'in_progress' and verdict = 'one'
                then 'We are sending you version ' || target_version_no || ' of ' || what || '.'
            when next_step = 'in_progress' then 'Several files may be the one that you mean. We come back to you with a list.'
            when next_step = 'waiting_partner'
                then
                    'Which of these do you mean by ' || asked_for || '?' || chr(10) || lines || chr(10)
                    || 'Please answer here with its number in this list, or with its id, by ' || answer_by || '.'
            when next_step = 'delivered'
                then
                    'Version ' || target_version_no || ' of ' || what || ' was delivered to you ('
                    || replace(channel, '_', ' ') || ').' || restriction
                    || ' Please confirm that it is what you need, or reopen this request and say what is missing.'
            when next_step = 'closed' then 'Thank you for confirming. This request is closed.'
            when rule = 'unknown_asset'
                then
                    'We found nothing that fits ' || asked_for
                    || '. Please reopen this request and name the file by its id or by the product''s number (SKU).'
            when rule = 'not_entitled'
                then
                    'Your access rights do not cover ' || asked_for
                    || '. Please ask your partner manager for them, and reopen this request when you have them.'
            when rule = 'outside_territory'
                then
                    'Your access rights are for ' || region || ', and you asked for ' || left(territory, 50)
                    || '. Please ask your partner manager, or reopen this request for your own territory.'
            when rule = 'barred_region'
                then
                    asked_for || ' may not be used in ' || coalesce(nullif(left(territory, 50), ''), region)
                    || '. Please ask your partner manager what may be used there instead.'
            when rule = 'no_approved_version'
                then
                    'There is no approved version of ' || asked_for
                    || ' in force at present. You will be told when there is one; please reopen this request then.'
            when rule = 'ambiguous_query'
                then
                    'We could not tell which file you mean by ' || asked_for
                    || '. Please reopen this request and name the file by its id or by the product''s number (SKU).'
            when rule = 'delivery_failed'
                then
                    failures || ' deliveries of ' || what || ' did not reach you ('
                    || replace(array_to_string(failed_channels, ', '), '_', ' ')
                    || '). Please check that you can receive files there, and reopen this request.'
        end as comment
    from worded
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
