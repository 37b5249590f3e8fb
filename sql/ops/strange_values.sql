-- One row per stream, turn, field and value that arrived and that the rules do not know.
-- Grain: stream, turn_no, field, value
-- Refresh: by turn_no
-- The enumerated fields are those of docs/streams.md. Rules treat such a value as none of theirs.
with known_values as (select * from ops.known_values),

arrived as (
    select 'assets' as stream, turn_no, 'classification' as field, classification as value, count(*) as records from staging.assets group by turn_no, classification
    union all
    select 'assets', turn_no, 'status', status, count(*) from staging.assets group by turn_no, status
    union all
    select 'assets', turn_no, 'on_withdraw', on_withdraw, count(*) from staging.assets group by turn_no, on_withdraw
    union all
    select 'asset_versions', turn_no, 'change_class', change_class, count(*) from staging.asset_versions group by turn_no, change_class
    union all
    select 'asset_versions', turn_no, 'approval_status', approval_status, count(*) from staging.asset_versions group by turn_no, approval_status
    union all
    select 'asset_versions', turn_no, 'effective_policy', effective_policy, count(*) from staging.asset_versions group by turn_no, effective_policy
    union all
    select 'segments', turn_no, 'dimension', dimension, count(*) from staging.segments group by turn_no, dimension
    union all
    select 'grants', turn_no, 'grantee_type', grantee_type, count(*) from staging.grants group by turn_no, grantee_type
    union all
    select 'grants', turn_no, 'object_type', object_type, count(*) from staging.grants group by turn_no, object_type
    union all
    select 'grants', turn_no, 'effect', effect, count(*) from staging.grants group by turn_no, effect
    union all
    select 'deliveries', turn_no, 'channel', channel, count(*) from staging.deliveries group by turn_no, channel
    union all
    select 'deliveries', turn_no, 'status', status, count(*) from staging.deliveries group by turn_no, status
    union all
    select 'access_events', turn_no, 'event_type', event_type, count(*) from staging.access_events group by turn_no, event_type
    union all
    select 'access_events', turn_no, 'vector', vector, count(*) from staging.access_events group by turn_no, vector
    union all
    select 'reviews', turn_no, 'status', status, count(*) from staging.reviews group by turn_no, status
    union all
    select 'partners', turn_no, 'status', status, count(*) from staging.partners group by turn_no, status
    union all
    select 'requests', turn_no, 'status', status, count(*) from staging.requests group by turn_no, status
    union all
    select 'request_events', turn_no, 'to_status', to_status, count(*) from staging.request_events group by turn_no, to_status
    union all
    select 'issues', turn_no, 'category', category, count(*) from staging.issues group by turn_no, category
    union all
    select 'issues', turn_no, 'status', status, count(*) from staging.issues group by turn_no, status
    union all
    select 'issue_events', turn_no, 'to_status', to_status, count(*) from staging.issue_events group by turn_no, to_status
    union all
    select 'acknowledgments', turn_no, 'kind', kind, count(*) from staging.acknowledgments group by turn_no, kind
    union all
    select 'comments', turn_no, 'thread_type', thread_type, count(*) from staging.comments group by turn_no, thread_type
    union all
    select 'comments', turn_no, 'visibility', visibility, count(*) from staging.comments group by turn_no, visibility
    union all
    select 'campaigns', turn_no, 'launch_policy', launch_policy, count(*) from staging.campaigns group by turn_no, launch_policy
    union all
    select 'campaigns', turn_no, 'status', status, count(*) from staging.campaigns group by turn_no, status
    union all
    select 'campaign_tasks', turn_no, 'kind', kind, count(*) from staging.campaign_tasks group by turn_no, kind
    union all
    select 'campaign_tasks', turn_no, 'status', status, count(*) from staging.campaign_tasks group by turn_no, status
    union all
    select 'notices', turn_no, 'kind', kind, count(*) from staging.notices group by turn_no, kind
    union all
    select 'xref', turn_no, 'entity', entity, count(*) from staging.xref group by turn_no, entity
),

strange as (
    select arrived.stream, arrived.turn_no, arrived.field, arrived.value, arrived.records
    from arrived
    anti join known_values
        on known_values.stream = arrived.stream
        and known_values.field = arrived.field
        and known_values.value = arrived.value
    where arrived.value is not null
)

select * from strange
