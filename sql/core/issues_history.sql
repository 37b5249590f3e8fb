-- One row per edition of an issue: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: issue_id, edition
-- Refresh: append by issue_id
-- Spine: staging.issues
with arrivals as (select * from staging.issues where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by issue_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            issue_id, partner_id, asset_id, version_no, category, severity, description, status, duplicate_of,
            created_at, updated_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        issue_id,
        partner_id,
        asset_id,
        version_no,
        category,
        severity,
        description,
        status,
        duplicate_of,
        created_at,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by issue_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
