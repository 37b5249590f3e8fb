-- One row per record of a notice that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.notices),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        notice_id,
        external_key,
        partner_id,
        kind,
        asset_id,
        as_integer(version_no) as version_no,
        package_id,
        as_instant(posted_at) as posted_at,
        as_instant(due_at) as due_at,
        as_instant(retracted_at) as retracted_at,
        as_instant(read_at) as read_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(notice_id, '') = '' then 'notice_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when coalesce(kind, '') = '' then 'kind is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when coalesce(posted_at, '') = '' then 'posted_at is missing'
            when posted_at is not null and as_instant(posted_at) is null then 'posted_at is not an instant'
            when due_at is not null and as_instant(due_at) is null then 'due_at is not an instant'
            when retracted_at is not null and as_instant(retracted_at) is null then 'retracted_at is not an instant'
            when read_at is not null and as_instant(read_at) is null then 'read_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
