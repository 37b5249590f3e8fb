-- One row per turn: one pull of everything and all that is computed from it.
-- Grain: turn_no
-- Refresh: full
with entries as (select * from ledger.entries where kind in ('turn_opened', 'turn_completed')),

opened as (
    select
        as_integer(json_extract_string(data, '$.turn')) as turn_no,
        run_id as turn_id,
        as_instant(json_extract_string(data, '$.now')) as now,
        known_at
    from entries
    where kind = 'turn_opened'
),

completed as (
    select distinct as_integer(json_extract_string(data, '$.turn')) as turn_no
    from entries
    where kind = 'turn_completed'
),

turns as (
    select opened.*, completed.turn_no is not null as is_complete
    from opened
    left join completed on completed.turn_no = opened.turn_no
)

select * from turns
