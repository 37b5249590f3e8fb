-- One row per edition of a request: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: request_id, edition
-- Refresh: append by request_id
-- Spine: staging.requests
with arrivals as (select * from staging.requests where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by request_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            request_id, partner_id, requester_id, asset_id, asset_query, purpose, territory, needed_by, status,
            created_at, updated_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        request_id,
        partner_id,
        requester_id,
        asset_id,
        asset_query,
        purpose,
        territory,
        needed_by,
        status,
        created_at,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by request_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
