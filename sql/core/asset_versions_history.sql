-- One row per edition of an asset's version: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: asset_id, version_no, edition
-- Refresh: append by asset_id, version_no
-- Spine: staging.asset_versions
with arrivals as (select * from staging.asset_versions where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by asset_id, version_no, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            asset_id, version_no, version_label, file_name, format, size_bytes, checksum_sha256, change_class,
            change_summary, replacement_instructions, usage_guidance, approval_status, approved_by,
            approved_at, effective_local, effective_policy, expires_at, withdrawn_at, withdrawal_reason,
            restricted_regions, updated_at
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        asset_id,
        version_no,
        version_label,
        file_name,
        format,
        size_bytes,
        checksum_sha256,
        change_class,
        change_summary,
        replacement_instructions,
        usage_guidance,
        approval_status,
        approved_by,
        approved_at,
        effective_local,
        effective_policy,
        expires_at,
        withdrawn_at,
        withdrawal_reason,
        restricted_regions,
        updated_at,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        coalesce(updated_at, known_at) as ordered_at,
        row_number() over (partition by asset_id, version_no order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
