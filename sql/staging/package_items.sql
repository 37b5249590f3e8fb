-- One row per record of an item of a package that ever arrived from VIP, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.package_items),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        package_id,
        asset_id,
        as_boolean(required) as required,
        as_integer(sequence) as sequence,
        case
            when rejected_because is not null then rejected_because
            when coalesce(package_id, '') = '' then 'package_id is missing'
            when coalesce(asset_id, '') = '' then 'asset_id is missing'
            when required is not null and as_boolean(required) is null then 'required is neither true nor false'
            when sequence is not null and as_integer(sequence) is null then 'sequence is not a whole number'
        end as rejected_because
    from landed
)

select * from typed
