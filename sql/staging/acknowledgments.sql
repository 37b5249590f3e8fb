-- One row per record of an acknowledgment that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
-- Stored plain: ack_id, record_sha256, occurred_raw
with landed as (select * from landing.acknowledgments),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        ack_id,
        partner_id,
        user_id,
        asset_id,
        as_integer(version_no) as version_no,
        notice_id,
        kind,
        as_boolean(covers_children) as covers_children,
        content_digest,
        rationale,
        as_instant(occurred_at) as occurred_at,
        case when record_sha256 is not null then occurred_at end as occurred_raw,
        as_instant(recorded_at) as recorded_at,
        as_instant(revoked_at) as revoked_at,
        native_code,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(ack_id, '') = '' then 'ack_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when coalesce(kind, '') = '' then 'kind is missing'
            when covers_children is not null and as_boolean(covers_children) is null then 'covers_children is neither true nor false'
            when coalesce(occurred_at, '') = '' then 'occurred_at is missing'
            when occurred_at is not null and as_instant(occurred_at) is null then 'occurred_at is not an instant'
            when recorded_at is not null and as_instant(recorded_at) is null then 'recorded_at is not an instant'
            when revoked_at is not null and as_instant(revoked_at) is null then 'revoked_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
