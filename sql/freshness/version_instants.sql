-- One row per version and time zone in which somebody asks for it: when it takes effect there, is withdrawn, expires.
-- Grain: zone, asset_id, version_no
-- Refresh: by asset_id
-- Spine: core.asset_versions
-- The zones are those of all partners and the asset's own. effective_at is the later of the approval and the declared
-- local time, resolved by its policy; null where there is no approval instant (docs/domain.md, 4.2).
with places as (select * from freshness.places),

versions as (select * from core.asset_versions),

assets as (select * from core.assets),

zones as (
    select assets.asset_id, places.zone
    from assets
    cross join places
    union
    select asset_id, zone from assets
),

zoned as (
    select
        zones.zone,
        versions.asset_id,
        versions.version_no,
        versions.approval_status,
        versions.approved_at,
        versions.withdrawn_from,
        versions.expires_at,
        versions.effective_local,
        case versions.effective_policy
            when 'partner_local' then zones.zone
            when 'publisher_local' then assets.zone
            else 'UTC'
        end as effective_zone
    from versions
    inner join assets on assets.asset_id = versions.asset_id
    inner join zones on zones.asset_id = versions.asset_id
),

instants as (
    select
        zone,
        asset_id,
        version_no,
        approval_status,
        case
            when approved_at is null then null
            when effective_local is null then approved_at
            else greatest(approved_at, local_to_instant(effective_local, effective_zone))
        end as effective_at,
        withdrawn_from,
        expires_at,
        local_time_flag(effective_local, effective_zone) as resolution_flag
    from zoned
)

select * from instants
