-- One row per edition of an access event: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: event_id, edition
-- Refresh: append by event_id
-- Stored plain: event_id, record_sha256, occurred_raw
-- Spine: staging.access_events
-- Only keys that arrived more than once are sorted: of a stream this large hardly any. Two keys of one hash do no harm:
-- they are sorted, too.
-- What is read in several places has a name for each: of one name DuckDB first writes all columns down.
with arrivals as (select * from staging.access_events where rejected_because is null),

arrived_keys as (select key_hash(event_id) as place from staging.access_events where rejected_because is null),

arrivals_again as (select * from staging.access_events where rejected_because is null),

repeated as (select place from arrived_keys group by place having count(*) > 1),

first_arrivals as (
    select
        arrivals.*,
        row_number() over (
            partition by arrivals.event_id, arrivals.record_sha256
            order by arrivals.turn_no, arrivals.page_no, arrivals.row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where arrivals.record_sha256 is null) over same_fields as without_text
    from arrivals_again as arrivals
    semi join repeated on repeated.place = key_hash(arrivals.event_id)
    window same_fields as (
        partition by
            arrivals.event_id, arrivals.event_type, arrivals.partner_id, arrivals.user_id, arrivals.asset_id,
            arrivals.version_no, arrivals.delivery_id, arrivals.vector, arrivals.occurred_at,
            arrivals.recorded_at, arrivals.client_ip, arrivals.user_agent, arrivals.bytes,
            arrivals.supersedes_event_id, arrivals.correction_reason
        order by arrivals.turn_no, arrivals.page_no, arrivals.row_no
    )
),

numbered as (
    select arrivals.*, 1 as edition
    from arrivals
    anti join repeated on repeated.place = key_hash(arrivals.event_id)
    union all by name
    select
        * exclude (arrival, arrival_of_fields, without_text),
        row_number() over (partition by event_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
),

editions as (
    select
        event_id,
        event_type,
        partner_id,
        user_id,
        asset_id,
        version_no,
        delivery_id,
        vector,
        occurred_at,
        occurred_raw,
        recorded_at,
        client_ip,
        user_agent,
        bytes,
        supersedes_event_id,
        correction_reason,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(recorded_at, known_at) as ordered_at,
        edition
    from numbered
)

select * from editions
