-- One row per stream and turn that brought records: which fields they have, and what kinds of values stand in these.
-- Grain: stream, turn_no
-- Refresh: by turn_no
-- From format 2 of landing on. absent is a kind, too: a record was seen without the field. A few records of each page are
-- looked at (pipeline/ingest/shapes.py).
with pages as (select * from landing.pages where shapes is not null),

pairs as (select stream, turn_no, unnest(shapes) as pair from pages),

shapes as (
    select
        stream,
        turn_no,
        list_sort(list_distinct(list(pair.field || '|' || pair.kind))) as fields
    from pairs
    group by stream, turn_no
)

select * from shapes
