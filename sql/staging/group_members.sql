-- One row per record of a group's member that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.group_members),

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
        partner_id,
        as_instant(joined_at) as joined_at,
        as_instant(left_at) as left_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(group_id, '') = '' then 'group_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when coalesce(joined_at, '') = '' then 'joined_at is missing'
            when joined_at is not null and as_instant(joined_at) is null then 'joined_at is not an instant'
            when left_at is not null and as_instant(left_at) is null then 'left_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
