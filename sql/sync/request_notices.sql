-- One row per notice that is due about a request: that we delivered it, denied it, or ask its partner something.
-- Grain: partner_id, kind, step
-- Refresh: full
-- docs/domain.md, 9, P1. Only moves of ours are told, and only while the request is as they made it: what a person moved,
-- that person told. step is <status>:<request_id>:<which time>. said is for the template (docs/notices.md).
with moves as (
    select
        subject_id as request_id,
        step as status,
        cast(regexp_extract(action_text, '([0-9]+)$', 1) as integer) as move_no,
        asset_id,
        version_no,
        rule,
        from_json(evidence, '["VARCHAR"]') as evidence
    from sync.earlier_actions
    where
        pattern = 'P1'
        and operation = 'move_request'
        and step in ('delivered', 'denied', 'waiting_partner')
        and may_be_there
),

links as (
    select remote_id as delivery_id, max(json_extract_string(payload, '$.expires_at')) as expires_at
    from sync.earlier_actions
    where pattern = 'P1' and operation = 'create_delivery' and was_sent
    group by remote_id
),

requests as (select * from core.requests),

steps as (select * from core.request_events where occurred_at <= $as_of),

deliveries as (select * from core.deliveries),

assets as (select * from core.assets),

asset_names as (select * from sync.asset_names),

settings as (select * from ops.fulfilment_settings),

numbered as (
    select
        *,
        row_number() over (partition by request_id, to_status order by occurred_at, event_id) as move_no,
        lead(event_id) over (partition by request_id order by occurred_at, event_id) is null as is_last
    from steps
),

told as (
    select
        requests.request_id,
        requests.partner_id,
        requests.asset_query,
        requests.source_asset_id,
        requests.needed_by,
        numbered.occurred_at,
        numbered.move_no,
        moves.status,
        moves.rule,
        moves.evidence,
        moves.asset_id,
        moves.version_no
    from numbered
    inner join moves
        on moves.request_id = numbered.request_id
        and moves.status = numbered.to_status
        and moves.move_no = numbered.move_no
    inner join requests on requests.request_id = numbered.request_id
    where
        numbered.is_last
        and (requests.status = moves.status or requests.updated_at is null or requests.updated_at < numbered.occurred_at)
),

offered as (
    select
        request_id,
        unnest(evidence) as asset_id,
        generate_subscripts(evidence, 1) as place
    from told
    where status = 'waiting_partner'
),

lists as (
    select
        offered.request_id,
        string_agg(
            coalesce(assets.title, offered.asset_id)
            || ' (' || coalesce(asset_names.trading_grid_asset_id, offered.asset_id) || ')',
            chr(10)
            order by offered.place
        ) as lines
    from offered
    left join assets on assets.asset_id = offered.asset_id
    left join asset_names on asset_names.asset_id = offered.asset_id
    group by offered.request_id
),

request_notices as (
    select
        told.partner_id,
        case when told.status = 'delivered' then told.asset_id end as asset_id,
        case when told.status = 'delivered' then told.version_no end as version_no,
        'request_update' as kind,
        told.status || ':' || told.request_id || ':' || told.move_no as step,
        'P1' as pattern,
        told.rule,
        told.occurred_at as notice_due_at,
        'request' as subject_type,
        told.request_id as subject_id,
        coalesce(told.status = 'delivered' and assets.classification = 'safety', false) as is_urgent,
        json_object(
            'request_id', told.request_id,
            'status', told.status,
            'asked_for', coalesce(told.asset_query, told.source_asset_id, ''),
            'reason', case when told.status = 'denied' then told.rule else '' end,
            'candidates', coalesce(lists.lines, ''),
            'channel', case when told.status = 'delivered' then coalesce(deliveries.channel, '') else '' end,
            'delivered_version',
            case when told.status = 'delivered' then coalesce(cast(told.version_no as varchar), '') else '' end,
            'link_expires_at', case when told.status = 'delivered' then coalesce(links.expires_at, '') else '' end,
            'needed_by_at', coalesce(instant_text(told.needed_by), ''),
            'answer_by_at',
            case
                when told.status = 'waiting_partner'
                    then instant_text(told.occurred_at + to_seconds(settings.answer_within_seconds))
                else ''
            end
        ) as said,
        to_json([told.request_id]) as evidence
    from told
    cross join settings
    left join lists on lists.request_id = told.request_id
    left join deliveries on told.status = 'delivered' and deliveries.delivery_id = told.evidence[2]
    left join links on links.delivery_id = deliveries.delivery_id
    left join assets on assets.asset_id = told.asset_id
)

select * from request_notices
