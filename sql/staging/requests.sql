-- One row per record of a request that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.requests),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        request_id,
        partner_id,
        requester_id,
        asset_id,
        asset_query,
        purpose,
        territory,
        as_instant(needed_by) as needed_by,
        status,
        as_instant(created_at) as created_at,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(request_id, '') = '' then 'request_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when needed_by is not null and as_instant(needed_by) is null then 'needed_by is not an instant'
            when created_at is not null and as_instant(created_at) is null then 'created_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
