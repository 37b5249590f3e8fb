-- One row per edition of a delivery: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: delivery_id, edition
-- Refresh: append by delivery_id
-- Stored plain: delivery_id, record_sha256
-- Spine: staging.deliveries
with arrivals as (select * from staging.deliveries where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by delivery_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            delivery_id, partner_id, asset_id, version_no, request_id, package_id, channel, status, status_at,
            created_at, checksum_sha256, error_code, error_message, updated_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        delivery_id,
        partner_id,
        asset_id,
        version_no,
        request_id,
        package_id,
        channel,
        status,
        status_at,
        created_at,
        checksum_sha256,
        error_code,
        error_message,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by delivery_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
