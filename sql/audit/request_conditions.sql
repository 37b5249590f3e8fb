-- One row per request that Trading Grid shows as delivered although no delivery for it ever arrived.
-- Grain: finding_id
-- Refresh: by request_id
-- Spine: core.requests
-- docs/domain.md, 8.
with requests as (select * from core.requests where status in ('delivered', 'confirmed', 'closed')),

arrivals as (
    select distinct request_id from core.deliveries_history where status in ('delivered', 'picked_up')
),

conditions as (
    select
        'request_closed_without_delivery:request:' || requests.request_id as finding_id,
        'request_closed_without_delivery' as rule,
        'warning' as severity,
        'request' as subject_type,
        requests.request_id as subject_id,
        requests.partner_id,
        requests.asset_id,
        null::bigint as version_no,
        'the request is ' || requests.status || ', but no delivery for it ever arrived' as detail,
        requests.request_id
    from requests
    anti join arrivals on arrivals.request_id = requests.request_id
)

select * from conditions
