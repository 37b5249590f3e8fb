-- One row per partner, position and instant since which pairs are outdated: how many of its pairs stand there.
-- Grain: partner_id, position, is_outdated, is_exposed, has_both, outdated_since
-- Refresh: sums of freshness.positions
-- What marts.partner_currency adds up. has_both: it holds a known version and has a target. outdated_since is infinity
-- where nothing is outdated; instants of versions are few, so these are few rows.
with positions as (select * from freshness.positions),

placed as (
    select
        partner_id,
        position,
        coalesce(is_outdated, false) as is_outdated,
        coalesce(is_exposed, false) as is_exposed,
        coalesce(len(held_versions) > 0 and target_version_no is not null, false) as has_both,
        coalesce(case when is_outdated then target_effective_at end, timestamptz 'infinity') as outdated_since
    from positions
),

counted as (
    select
        partner_id,
        position,
        is_outdated,
        is_exposed,
        has_both,
        outdated_since,
        count(*) as pairs
    from placed
    group by partner_id, position, is_outdated, is_exposed, has_both, outdated_since
)

select * from counted
