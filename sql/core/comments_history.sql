-- One row per edition of a comment: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: comment_id, edition
-- Refresh: append by comment_id
-- Spine: staging.comments
with arrivals as (select * from staging.comments where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by comment_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival
    from arrivals
),

editions as (
    select
        comment_id,
        thread_type,
        thread_id,
        partner_id,
        user_id,
        body,
        visibility,
        created_at,
        updated_at,
        redacted_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by comment_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where arrival = 1
)

select * from editions
