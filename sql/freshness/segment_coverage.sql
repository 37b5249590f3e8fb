-- One row per segment and segment above it (or itself) whose grants reach what is in it, and until when they do.
-- Grain: segment_id, ancestor_id
-- Refresh: full
-- A deleted segment covers nothing and passes nothing on from its deletion (docs/domain.md, 8).
with recursive segments as (select * from core.segments),

contents as (select * from core.segment_assets),

named as (
    select segment_id from segments
    union
    select segment_id from contents
),

paths as (
    select
        named.segment_id,
        named.segment_id as ancestor_id,
        coalesce(segments.deleted_at, 'infinity'::timestamptz) as covers_until
    from named
    left join segments on segments.segment_id = named.segment_id
    union
    select
        paths.segment_id,
        below.parent_segment_id as ancestor_id,
        least(paths.covers_until, coalesce(above.deleted_at, 'infinity'::timestamptz)) as covers_until
    from paths
    inner join segments as below on below.segment_id = paths.ancestor_id
    left join segments as above on above.segment_id = below.parent_segment_id
    where below.parent_segment_id is not null
),

coverage as (
    select segment_id, ancestor_id, max(covers_until) as covers_until
    from paths
    group by segment_id, ancestor_id
)

select * from coverage
