-- One row per page, run and day: whether everything that was fetched is accounted for.
-- Grain: scope, scope_id
-- Refresh: full
-- What K14 counts (docs/domain.md, 11): fetched = new + new editions + duplicates + quarantined, else PARTIAL. scope is
-- page (stream, turn, page), run (a turn) or day (UTC); a run or a day is complete if every page of it is.
with pages as (select * from ops.pages),

every_page as (
    select
        'page' as scope,
        stream || '|' || turn_no::varchar || '|' || page_no::varchar as scope_id,
        utc_day(known_at) as day,
        stream,
        turn_no,
        1 as pages,
        fetched,
        new,
        new_editions,
        duplicates,
        quarantined,
        is_balanced
    from pages
),

runs as (
    select
        'run' as scope,
        turn_no::varchar as scope_id,
        min(day) as day,
        null::varchar as stream,
        turn_no,
        count(*) as pages,
        sum(fetched)::bigint as fetched,
        sum(new)::bigint as new,
        sum(new_editions)::bigint as new_editions,
        sum(duplicates)::bigint as duplicates,
        sum(quarantined)::bigint as quarantined,
        bool_and(is_balanced) as is_balanced
    from every_page
    group by turn_no
),

days as (
    select
        'day' as scope,
        day as scope_id,
        day,
        null::varchar as stream,
        null::integer as turn_no,
        count(*) as pages,
        sum(fetched)::bigint as fetched,
        sum(new)::bigint as new,
        sum(new_editions)::bigint as new_editions,
        sum(duplicates)::bigint as duplicates,
        sum(quarantined)::bigint as quarantined,
        bool_and(is_balanced) as is_balanced
    from every_page
    group by day
),

scopes as (
    select * from every_page
    union all
    select * from runs
    union all
    select * from days
),

completeness as (
    select *, case when is_balanced then 'COMPLETE' else 'PARTIAL' end as stamp from scopes
)

select * from completeness
