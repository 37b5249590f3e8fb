-- One row per partner, asset and version of which the partner holds a copy at as_of; copy is 'unknown' where the version is.
-- Grain: partner_id, asset_id, copy
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obtained
-- Changes at: freshness.obtained.obtained_at, freshness.removals.attested_at, freshness.removals.revoked_at
with obtained as (select * from freshness.obtained where obtained_at <= $as_of),

removals as (
    select * from freshness.removals where attested_at <= $as_of and (revoked_at is null or revoked_at > $as_of)
),

removed as (
    select distinct obtained.subject_type, obtained.subject_id
    from obtained
    inner join removals
        on removals.partner_id = obtained.partner_id
        and removals.asset_id = obtained.asset_id
        and removals.attested_at >= obtained.obtained_at
    where removals.spares_version_no is null
        or removals.spares_version_no is distinct from obtained.version_no
),

still_held as (
    select * from obtained
    anti join removed
        on removed.subject_type = obtained.subject_type
        and removed.subject_id = obtained.subject_id
),

held as (
    select
        partner_id,
        asset_id,
        version_no,
        coalesce(version_no::varchar, 'unknown') as copy,
        min(obtained_at) as first_obtained_at,
        max(obtained_at) as last_obtained_at,
        count(*) as copies
    from still_held
    group by partner_id, asset_id, version_no
)

select * from held
