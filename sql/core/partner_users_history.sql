-- One row per edition of a partner's user: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: user_id, edition
-- Refresh: append by user_id
-- Spine: staging.partner_users
with arrivals as (select * from staging.partner_users where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by user_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            user_id, partner_id, login_id, display_name, email, roles, status, updated_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        user_id,
        partner_id,
        login_id,
        display_name,
        email,
        roles,
        status,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by user_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
