-- One row per record of a grant that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.grants),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        grant_id,
        grantee_type,
        grantee_id,
        object_type,
        object_id,
        effect,
        as_texts(rights) as rights,
        usage_guidance,
        as_instant(valid_from) as valid_from,
        as_instant(valid_to) as valid_to,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(grant_id, '') = '' then 'grant_id is missing'
            when coalesce(grantee_type, '') = '' then 'grantee_type is missing'
            when coalesce(grantee_id, '') = '' then 'grantee_id is missing'
            when coalesce(object_type, '') = '' then 'object_type is missing'
            when coalesce(object_id, '') = '' then 'object_id is missing'
            when coalesce(effect, '') = '' then 'effect is missing'
            when rights is not null and as_texts(rights) is null then 'rights is not a list'
            when coalesce(valid_from, '') = '' then 'valid_from is missing'
            when valid_from is not null and as_instant(valid_from) is null then 'valid_from is not an instant'
            when valid_to is not null and as_instant(valid_to) is null then 'valid_to is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
