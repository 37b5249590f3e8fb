-- One row per record of a step of an issue that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.issue_events),

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
        issue_id,
        from_status,
        to_status,
        actor,
        as_instant(occurred_at) as occurred_at,
        case when record_sha256 is not null then occurred_at end as occurred_raw,
        case
            when rejected_because is not null then rejected_because
            when coalesce(event_id, '') = '' then 'event_id is missing'
            when coalesce(issue_id, '') = '' then 'issue_id is missing'
            when coalesce(to_status, '') = '' then 'to_status is missing'
            when coalesce(occurred_at, '') = '' then 'occurred_at is missing'
            when occurred_at is not null and as_instant(occurred_at) is null then 'occurred_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
