-- One row per version and place: when it takes effect there, whether it is barred there, when it is withdrawn or expires.
-- Grain: region, zone, asset_id, version_no
-- Refresh: full
-- effective_at is the later of the approval and the declared local time, resolved by its policy; null where there is no
-- approval instant (docs/domain.md, 4.2). These are the version's own terms: whether it lives is freshness.version_lives.
with places as (select * from freshness.places),

versions as (select * from core.asset_versions),

assets as (select * from core.assets),

placed as (
    select
        places.region,
        places.zone,
        versions.asset_id,
        versions.version_no,
        versions.approval_status,
        versions.approved_at,
        versions.withdrawn_from,
        versions.expires_at,
        versions.effective_local,
        is_barred_region(versions.restricted_regions, places.region) as is_barred,
        case versions.effective_policy
            when 'partner_local' then places.zone
            when 'publisher_local' then assets.zone
            else 'UTC'
        end as effective_zone
    from versions
    inner join assets on assets.asset_id = versions.asset_id
    cross join places
),

terms as (
    select
        region,
        zone,
        asset_id,
        version_no,
        approval_status,
        is_barred,
        case
            when approved_at is null then null
            when effective_local is null then approved_at
            else greatest(approved_at, local_to_instant(effective_local, effective_zone))
        end as effective_at,
        withdrawn_from,
        expires_at,
        local_time_flag(effective_local, effective_zone) as resolution_flag
    from placed
)

select * from terms
