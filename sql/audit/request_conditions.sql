-- One row per thing that is wrong with a request: shown as delivered though nothing ever arrived, or about nobody knows what.
-- Grain: finding_id
-- Refresh: by request_id
-- Spine: core.requests
-- docs/domain.md, 8.
with requests as (select * from core.requests),

arrivals as (
    select distinct request_id from core.deliveries_history where status in ('delivered', 'picked_up')
),

without_delivery as (
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
    where requests.status in ('delivered', 'confirmed', 'closed')
),

without_identity as (
    select
        'unmatched_identity:request:' || requests.request_id as finding_id,
        'unmatched_identity' as rule,
        'warning' as severity,
        'request' as subject_type,
        requests.request_id as subject_id,
        requests.partner_id,
        requests.asset_id,
        null::bigint as version_no,
        'nobody can say which asset of VIP the request is about' as detail,
        requests.request_id
    from requests
    where requests.source_asset_id is not null and requests.asset_id is null
),

conditions as (
    select * from without_delivery
    union all
    select * from without_identity
)

select * from conditions
