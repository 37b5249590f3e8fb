-- One row per page or file that was fetched: what it said it held, and what became of each record (docs/domain.md, K14).
-- Grain: stream, turn_no, page_no
-- Refresh: by turn_no
with pages as (select * from landing.pages),

arrivals as (select * from ops.arrivals),

turns as (select * from ops.turns),

counted as (
    select
        pages.stream,
        pages.system,
        pages.turn_no,
        pages.page_no,
        turns.known_at,
        pages.origin,
        pages.body_sha256,
        pages.status,
        pages.records as fetched,
        coalesce(arrivals.new, 0) as new,
        coalesce(arrivals.new_editions, 0) as new_editions,
        coalesce(arrivals.duplicates, 0) as duplicates,
        coalesce(arrivals.quarantined, 0) as quarantined
    from pages
    left join arrivals
        on arrivals.stream = pages.stream
        and arrivals.turn_no = pages.turn_no
        and arrivals.page_no = pages.page_no
    left join turns on turns.turn_no = pages.turn_no
),

balanced as (
    select *, fetched = new + new_editions + duplicates + quarantined as is_balanced from counted
)

select * from balanced
