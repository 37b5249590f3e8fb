-- One row per edition of a notice: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: notice_id, edition
-- Refresh: append by notice_id
-- Spine: staging.notices
with arrivals as (select * from staging.notices where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by notice_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            notice_id, external_key, partner_id, kind, asset_id, version_no, package_id, posted_at, due_at,
            retracted_at, read_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        notice_id,
        external_key,
        partner_id,
        kind,
        asset_id,
        version_no,
        package_id,
        posted_at,
        due_at,
        retracted_at,
        read_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by notice_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
