-- One row per edition of a grant: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: grant_id, edition
-- Refresh: append by grant_id
-- Spine: staging.grants
with arrivals as (select * from staging.grants where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by grant_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival
    from arrivals
),

editions as (
    select
        grant_id,
        grantee_type,
        grantee_id,
        object_type,
        object_id,
        effect,
        rights,
        usage_guidance,
        valid_from,
        valid_to,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by grant_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where arrival = 1
)

select * from editions
