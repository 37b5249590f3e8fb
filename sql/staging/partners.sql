-- One row per record of a partner that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.partners),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        partner_id,
        name,
        parent_partner_id,
        region,
        timezone,
        locale,
        tier,
        status,
        as_instant(left_at) as left_at,
        as_texts(trading_addresses) as trading_addresses,
        gln,
        as_instant(updated_at) as updated_at,
        as_instant(deleted_at) as deleted_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when left_at is not null and as_instant(left_at) is null then 'left_at is not an instant'
            when trading_addresses is not null and as_texts(trading_addresses) is null then 'trading_addresses is not a list'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
            when deleted_at is not null and as_instant(deleted_at) is null then 'deleted_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
