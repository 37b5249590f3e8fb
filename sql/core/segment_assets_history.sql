-- One row per edition of an asset in a segment: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: segment_id, asset_id, added_at, edition
-- Refresh: append by segment_id, asset_id, added_at
-- Spine: staging.segment_assets
with arrivals as (select * from staging.segment_assets where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by segment_id, asset_id, added_at, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            segment_id, asset_id, added_at, removed_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        segment_id,
        asset_id,
        added_at,
        removed_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by segment_id, asset_id, added_at order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
