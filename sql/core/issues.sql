-- One row per issue as Trading Grid has it now: its latest edition, its asset under VIP's id.
-- Grain: issue_id
-- Refresh: by issue_id
-- Spine: core.issues_history
-- Touched by: core.identities(source_asset_id = source_id) through core.issues
with editions as (select * from core.issues_history),

ranked as (
    select
        *,
        row_number() over (
            partition by issue_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

identities as (select * from core.identities where entity = 'asset'),

resolved as (
    select
        latest.* exclude (asset_id),
        latest.asset_id as source_asset_id,
        case when identities.source_id is null then latest.asset_id else identities.target_id end as asset_id
    from latest
    left join identities
        on identities.source_id = latest.asset_id
        and identities.holds_from <= coalesce(latest.created_at, latest.known_at)
        and coalesce(latest.created_at, latest.known_at) < identities.holds_until
)

select * from resolved
