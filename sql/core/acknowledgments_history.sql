-- One row per edition of an acknowledgment: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: ack_id, edition
-- Refresh: append by ack_id
-- Spine: staging.acknowledgments
with arrivals as (select * from staging.acknowledgments where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by ack_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival
    from arrivals
),

editions as (
    select
        ack_id,
        partner_id,
        user_id,
        asset_id,
        version_no,
        notice_id,
        kind,
        covers_children,
        content_digest,
        rationale,
        occurred_at,
        occurred_raw,
        recorded_at,
        revoked_at,
        native_code,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, recorded_at, known_at) as ordered_at,
        row_number() over (partition by ack_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where arrival = 1
)

select * from editions
