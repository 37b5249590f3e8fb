-- One row per record of an issue that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.issues),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        issue_id,
        partner_id,
        asset_id,
        as_integer(version_no) as version_no,
        category,
        severity,
        description,
        status,
        duplicate_of,
        as_instant(created_at) as created_at,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(issue_id, '') = '' then 'issue_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when created_at is not null and as_instant(created_at) is null then 'created_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
