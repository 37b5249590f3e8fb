-- One row per record of an access event that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
-- Stored plain: event_id, record_sha256, occurred_raw
with landed as (select * from landing.access_events),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        event_id,
        event_type,
        partner_id,
        user_id,
        asset_id,
        as_integer(version_no) as version_no,
        delivery_id,
        vector,
        as_instant(occurred_at) as occurred_at,
        case when record_sha256 is not null then occurred_at end as occurred_raw,
        as_instant(recorded_at) as recorded_at,
        client_ip,
        user_agent,
        as_integer(bytes) as bytes,
        supersedes_event_id,
        correction_reason,
        case
            when rejected_because is not null then rejected_because
            when coalesce(event_id, '') = '' then 'event_id is missing'
            when coalesce(event_type, '') = '' then 'event_type is missing'
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when coalesce(occurred_at, '') = '' then 'occurred_at is missing'
            when occurred_at is not null and as_instant(occurred_at) is null then 'occurred_at is not an instant'
            when recorded_at is not null and as_instant(recorded_at) is null then 'recorded_at is not an instant'
            when bytes is not null and as_integer(bytes) is null then 'bytes is not a whole number'
        end as rejected_because
    from landed
)

select * from typed
