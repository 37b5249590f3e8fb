-- One row per decision that a person recorded.
-- Grain: decision_id
-- Refresh: full
with entries as (select * from ledger.entries where kind = 'decision'),

decisions as (
    select
        source_id as decision_id,
        json_extract_string(data, '$.kind') as kind,
        json_extract_string(data, '$.subject') as subject,
        json_extract_string(data, '$.partner_id') as partner_id,
        json_extract_string(data, '$.asset_id') as asset_id,
        as_integer(json_extract_string(data, '$.version_no')) as version_no,
        actor,
        reason,
        as_instant(json_extract_string(data, '$.valid_from')) as valid_from,
        as_instant(json_extract_string(data, '$.valid_to')) as valid_to,
        known_at,
        'vipgrid' as source_system,
        seq
    from entries
)

select * from decisions
