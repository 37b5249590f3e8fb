-- One row per version of an asset as VIP has it now: its latest edition.
-- Grain: asset_id, version_no
-- Refresh: by asset_id, version_no
-- Spine: core.asset_versions_history
-- withdrawn_from is the instant of its withdrawal; revoking an approval is one, from withdrawn_at or else from the first
-- edition that says so (docs/domain.md, 4.1).
with editions as (select * from core.asset_versions_history),

ranked as (
    select
        *,
        row_number() over (
            partition by asset_id, version_no
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

revocations as (
    select asset_id, version_no, min(ordered_at) as revoked_at
    from editions
    where approval_status = 'revoked'
    group by asset_id, version_no
),

versions as (
    select
        latest.* exclude (restricted_regions),
        coalesce(latest.restricted_regions, []) as restricted_regions,
        case
            when latest.approval_status = 'revoked' then coalesce(latest.withdrawn_at, revocations.revoked_at)
            else latest.withdrawn_at
        end as withdrawn_from
    from latest
    left join revocations
        on revocations.asset_id = latest.asset_id
        and revocations.version_no = latest.version_no
)

select * from versions
