-- One row per asset about which any exception was reported by as_of: how often, and how often again.
-- Grain: asset_id
-- Refresh: full
-- Repeats are the issues after the first, rejected ones and duplicates left out (docs/domain.md, 11, K11); partners
-- regressed are those that went back to an older version (section 6, rule 13).
with exceptions as (select * from marts.exception_loop where asset_id is not null),

assets as (select * from core.assets),

positions as (select * from freshness.positions where position = 'regressed'),

counted as (
    select
        asset_id,
        count(*) filter (where not is_dismissed) as issues,
        count(*) filter (where is_dismissed) as dismissed,
        count(*) filter (where not is_dismissed and status <> 'confirmed') as issues_open,
        count(*) filter (where times_reopened > 0) as issues_reopened,
        count(distinct partner_id) filter (where not is_dismissed) as partners,
        min(reported_at) as first_reported_at,
        max(reported_at) as last_reported_at
    from exceptions
    group by asset_id
),

regressed as (
    select asset_id, count(*) as partners_regressed
    from positions
    group by asset_id
),

exception_assets as (
    select
        counted.asset_id,
        assets.title as asset_title,
        assets.brand,
        assets.classification,
        assets.owner,
        counted.issues,
        greatest(counted.issues - 1, 0) as repeats,
        counted.issues_open,
        counted.issues_reopened,
        counted.dismissed,
        counted.partners,
        counted.first_reported_at,
        counted.last_reported_at,
        coalesce(regressed.partners_regressed, 0) as partners_regressed
    from counted
    left join assets on assets.asset_id = counted.asset_id
    left join regressed on regressed.asset_id = counted.asset_id
)

select * from exception_assets
