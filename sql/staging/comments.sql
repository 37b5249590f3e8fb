-- One row per record of a comment that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.comments),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        comment_id,
        thread_type,
        thread_id,
        partner_id,
        user_id,
        body,
        visibility,
        as_instant(created_at) as created_at,
        as_instant(updated_at) as updated_at,
        as_instant(redacted_at) as redacted_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(comment_id, '') = '' then 'comment_id is missing'
            when created_at is not null and as_instant(created_at) is null then 'created_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
            when redacted_at is not null and as_instant(redacted_at) is null then 'redacted_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
