-- One row per edition of a step of an issue: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: event_id, edition
-- Refresh: append by event_id
-- Spine: staging.issue_events
with arrivals as (select * from staging.issue_events where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by event_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            event_id, issue_id, from_status, to_status, actor, occurred_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        event_id,
        issue_id,
        from_status,
        to_status,
        actor,
        occurred_at,
        occurred_raw,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by event_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
