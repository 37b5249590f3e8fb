-- One row per asset: the id under which Trading Grid knows it.
-- Grain: asset_id
-- Refresh: full
-- trading_grid_asset_id is null where this id means another asset there, or nobody can say which: nothing is said or done
-- about an asset by guess.
with assets as (select * from core.assets),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'asset' and holds_from <= $as_of and holds_until > $as_of
),

own_names as (
    select target_id as asset_id, min(source_id) as trading_grid_asset_id
    from identities
    where target_id is not null and target_id <> source_id
    group by target_id
),

names_of_others as (select source_id as asset_id from identities where target_id is distinct from source_id),

names as (
    select
        assets.asset_id,
        case
            when own_names.asset_id is not null then own_names.trading_grid_asset_id
            when names_of_others.asset_id is null then assets.asset_id
        end as trading_grid_asset_id
    from assets
    left join own_names on own_names.asset_id = assets.asset_id
    left join names_of_others on names_of_others.asset_id = assets.asset_id
)

select * from names
