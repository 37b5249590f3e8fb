-- One row per withdrawn version and whoever was seen with it by as_of: previews, openings and downloads, before and
-- after.
-- Grain: accessed_by, asset_id, version_no
-- Refresh: full
-- accessed_by is the partner, '(unknown)' where nobody can tell who it was or Trading Grid does not know it
-- (docs/domain.md, 11, K8). Denied attempts and superseded events are no access. after: at the withdrawal or later.
with versions as (select * from core.asset_versions where withdrawn_from <= $as_of),

events as (
    select * from core.access_events
    where event_type in ('previewed', 'opened', 'downloaded') and superseded_by is null and occurred_at <= $as_of
),

partners as (select * from core.partners),

seen as (
    select
        events.asset_id,
        events.version_no,
        partners.partner_id,
        events.event_type,
        events.occurred_at,
        events.occurred_at >= versions.withdrawn_from as is_after,
        versions.withdrawn_from
    from events
    inner join versions
        on versions.asset_id = events.asset_id
        and versions.version_no = events.version_no
    left join partners on partners.partner_id = events.partner_id
),

accesses as (
    select
        coalesce(partner_id, '(unknown)') as accessed_by,
        asset_id,
        version_no,
        partner_id,
        withdrawn_from as withdrawn_at,
        count(*) as accesses,
        count(*) filter (where is_after) as accesses_after,
        count(*) filter (where event_type = 'downloaded') as downloads,
        count(*) filter (where event_type = 'downloaded' and is_after) as downloads_after,
        max(occurred_at) as last_access_at
    from seen
    group by partner_id, asset_id, version_no, withdrawn_from
)

select * from accesses
