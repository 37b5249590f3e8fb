-- One row per record of a review that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.reviews),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        review_id,
        asset_id,
        as_integer(version_no) as version_no,
        issue_id,
        status,
        as_integer(replacement_version_no) as replacement_version_no,
        reason,
        as_instant(opened_at) as opened_at,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(review_id, '') = '' then 'review_id is missing'
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when coalesce(status, '') = '' then 'status is missing'
            when replacement_version_no is not null and as_integer(replacement_version_no) is null then 'replacement_version_no is not a whole number'
            when opened_at is not null and as_instant(opened_at) is null then 'opened_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
