-- One row per stream, field and kind of value that was ever seen in it, with the turn that brought it first.
-- Grain: stream, field, kind
-- Refresh: append
with shapes as (select * from ops.shapes),

pairs as (
    select stream, turn_no, unnest(fields) as pair from shapes
),

fields as (
    select
        stream,
        regexp_extract(pair, '^(.*)[|]([a-z]+)$', 1) as field,
        regexp_extract(pair, '^(.*)[|]([a-z]+)$', 2) as kind,
        min(turn_no) as first_turn_no
    from pairs
    group by all
)

select * from fields
