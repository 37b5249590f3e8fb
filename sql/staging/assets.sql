-- One row per record of an asset that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.assets),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        asset_id,
        sku,
        title,
        asset_type,
        classification,
        brand,
        product_line,
        locale,
        owner,
        status,
        publisher_timezone,
        on_withdraw,
        as_instant(created_at) as created_at,
        as_instant(updated_at) as updated_at,
        as_instant(deleted_at) as deleted_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when created_at is not null and as_instant(created_at) is null then 'created_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
            when deleted_at is not null and as_instant(deleted_at) is null then 'deleted_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
