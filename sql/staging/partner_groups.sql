-- One row per record of a partner group that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.partner_groups),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        group_id,
        name,
        dimension,
        value,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(group_id, '') = '' then 'group_id is missing'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
