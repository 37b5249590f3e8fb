-- One row per version and place: when it takes effect there, whether it is barred there, when it is withdrawn or expires.
-- Grain: region, zone, asset_id, version_no
-- Refresh: by asset_id
-- Spine: freshness.version_instants
-- These are the version's own terms (docs/domain.md, 4.1 to 4.3): whether it lives is freshness.version_lives.
with places as (select * from freshness.places),

instants as (select * from freshness.version_instants),

versions as (select * from core.asset_versions),

terms as (
    select
        places.region,
        places.zone,
        instants.asset_id,
        instants.version_no,
        instants.approval_status,
        is_barred_region(versions.restricted_regions, places.region) as is_barred,
        instants.effective_at,
        instants.withdrawn_from,
        instants.expires_at,
        instants.resolution_flag
    from instants
    inner join places on places.zone = instants.zone
    inner join versions
        on versions.asset_id = instants.asset_id
        and versions.version_no = instants.version_no
)

select * from terms
