-- One row per record of a cross-reference of ids that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.xref),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        entity,
        vip_id,
        trading_grid_id,
        as_instant(valid_from) as valid_from,
        as_instant(valid_to) as valid_to,
        match_rule,
        asserted_by,
        case
            when rejected_because is not null then rejected_because
            when coalesce(entity, '') = '' then 'entity is missing'
            when coalesce(vip_id, '') = '' then 'vip_id is missing'
            when coalesce(trading_grid_id, '') = '' then 'trading_grid_id is missing'
            when valid_from is not null and as_instant(valid_from) is null then 'valid_from is not an instant'
            when valid_to is not null and as_instant(valid_to) is null then 'valid_to is not an instant'
        end as rejected_because
    from landed
)

select * from typed
