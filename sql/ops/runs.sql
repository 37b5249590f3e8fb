-- One row per run: one process that computed something, and how it ended.
-- Grain: run_id
-- Refresh: full
with entries as (select * from ledger.entries where kind in ('run_started', 'run_ended')),

runs as (
    select
        source_id as run_id,
        min(seq) as first_seq,
        max(json_extract_string(data, '$.what')) as what,
        max(json_extract_string(data, '$.code_version')) as code_version,
        max(actor) as actor,
        max(as_instant(json_extract_string(data, '$.at'))) filter (where kind = 'run_started') as started_at,
        max(as_instant(json_extract_string(data, '$.at'))) filter (where kind = 'run_ended') as ended_at,
        coalesce(max(json_extract_string(data, '$.outcome')), 'running') as outcome,
        max(json_extract_string(data, '$.error')) as error
    from entries
    group by source_id
)

select * from runs
