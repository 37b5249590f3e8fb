-- One row per record of an asset's version that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.asset_versions),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        asset_id,
        as_integer(version_no) as version_no,
        version_label,
        file_name,
        format,
        as_integer(size_bytes) as size_bytes,
        checksum_sha256,
        change_class,
        change_summary,
        replacement_instructions,
        usage_guidance,
        approval_status,
        approved_by,
        as_instant(approved_at) as approved_at,
        as_local_time(effective_local) as effective_local,
        effective_policy,
        as_instant(expires_at) as expires_at,
        as_instant(withdrawn_at) as withdrawn_at,
        withdrawal_reason,
        as_texts(restricted_regions) as restricted_regions,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when coalesce(version_no, '') = '' then 'version_no is missing'
            when version_no is not null and as_integer(version_no) is null then 'version_no is not a whole number'
            when size_bytes is not null and as_integer(size_bytes) is null then 'size_bytes is not a whole number'
            when coalesce(approval_status, '') = '' then 'approval_status is missing'
            when approved_at is not null and as_instant(approved_at) is null then 'approved_at is not an instant'
            when effective_local is not null and as_local_time(effective_local) is null then 'effective_local is not a local time without offset'
            when expires_at is not null and as_instant(expires_at) is null then 'expires_at is not an instant'
            when withdrawn_at is not null and as_instant(withdrawn_at) is null then 'withdrawn_at is not an instant'
            when restricted_regions is not null and as_texts(restricted_regions) is null then 'restricted_regions is not a list'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
