-- One row per record of an asset in a segment that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.segment_assets),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        segment_id,
        asset_id,
        as_instant(added_at) as added_at,
        as_instant(removed_at) as removed_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(segment_id, '') = '' then 'segment_id is missing'
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when coalesce(added_at, '') = '' then 'added_at is missing'
            when added_at is not null and as_instant(added_at) is null then 'added_at is not an instant'
            when removed_at is not null and as_instant(removed_at) is null then 'removed_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
