-- One row per record of a delivery that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
-- Stored plain: delivery_id, record_sha256
with landed as (select * from landing.deliveries),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        delivery_id,
        partner_id,
        asset_id,
        as_integer(version_no) as version_no,
        request_id,
        package_id,
        channel,
        status,
        as_instant(status_at) as status_at,
        as_instant(created_at) as created_at,
        checksum_sha256,
        error_code,
        error_message,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(delivery_id, '') = '' then 'delivery_id is missing'
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when coalesce(channel, '') = '' then 'channel is missing'
            when coalesce(status, '') = '' then 'status is missing'
            when coalesce(status_at, '') = '' then 'status_at is missing'
            when status_at is not null and as_instant(status_at) is null then 'status_at is not an instant'
            when created_at is not null and as_instant(created_at) is null then 'created_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
