-- One row per second pass over a stream at its source: what was compared, and how many differences there were.
-- Grain: reconciliation_id
-- Refresh: full
-- method is read (every record again) or count (their number alone). from_at and to_at are null for the whole stream.
with entries as (select * from ledger.entries where kind = 'stream_reconciled'),

reconciliations as (
    select
        json_extract_string(data, '$.reconciliation_id') as reconciliation_id,
        source_id as stream,
        source as system,
        json_extract_string(data, '$.connection') as connection,
        json_extract_string(data, '$.method') as method,
        as_integer(json_extract_string(data, '$.turn')) as turn_no,
        known_at,
        as_instant(json_extract_string(data, '$.from')) as from_at,
        as_instant(json_extract_string(data, '$.to')) as to_at,
        as_integer(json_extract_string(data, '$.source_records')) as source_records,
        as_integer(json_extract_string(data, '$.our_records')) as our_records,
        as_integer(json_extract_string(data, '$.missing_here')) as missing_here,
        as_integer(json_extract_string(data, '$.other_content')) as other_content,
        as_integer(json_extract_string(data, '$.not_at_source')) as not_at_source,
        seq
    from entries
)

select * from reconciliations
