-- One row per edition of an asset: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: asset_id, edition
-- Refresh: append by asset_id
-- Spine: staging.assets
with arrivals as (select * from staging.assets where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by asset_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            asset_id, sku, title, asset_type, classification, brand, product_line, locale, owner, status,
            publisher_timezone, on_withdraw, created_at, updated_at, deleted_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
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
        created_at,
        updated_at,
        deleted_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by asset_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
