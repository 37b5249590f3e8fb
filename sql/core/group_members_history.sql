-- One row per edition of a group's member: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: group_id, partner_id, joined_at, edition
-- Refresh: append by group_id, partner_id, joined_at
-- Spine: staging.group_members
with arrivals as (select * from staging.group_members where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by group_id, partner_id, joined_at, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            group_id, partner_id, joined_at, left_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        group_id,
        partner_id,
        joined_at,
        left_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by group_id, partner_id, joined_at order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
