-- One row per cross-reference of ids as Trading Grid has it now: its latest edition.
-- Grain: entity, vip_id, trading_grid_id
-- Refresh: by entity, vip_id, trading_grid_id
-- Spine: core.xref_history
with editions as (select * from core.xref_history),

ranked as (
    select
        *,
        row_number() over (
            partition by entity, vip_id, trading_grid_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
