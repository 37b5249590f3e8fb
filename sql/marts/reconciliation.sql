-- One row per day and stream: what arrived, what became of it, and whether all of it is accounted for.
-- Grain: day, stream
-- Refresh: full
-- The last second pass over the stream at its source, and what it found that is open, stand on every day of it.
-- docs/domain.md, K14: fetched = new + new editions + duplicates + quarantined, else is_complete is false.
with pages as (select * from ops.pages),

streams as (select * from ops.streams),

passes as (
    select stream, max(known_at) as last_reconciled_at from ops.reconciliations group by stream
),

differences as (
    select stream, count(*) filter (where state = 'open') as differences_open, count(*) as differences_in_all
    from ops.differences
    group by stream
),

unmatched as (
    select * from audit.conditions where rule = 'unmatched_identity'
),

unmatched_by_stream as (
    select
        case subject_type
            when 'access_event' then 'access_events'
            when 'delivery' then 'deliveries'
            when 'acknowledgment' then 'acknowledgments'
        end as stream,
        count(*) as unmatched_identities
    from unmatched
    group by 1
),

by_day as (
    select
        cast(known_at as date) as day,
        stream,
        count(*) as pages,
        sum(fetched)::bigint as fetched,
        sum(new)::bigint as new,
        sum(new_editions)::bigint as new_editions,
        sum(duplicates)::bigint as duplicates,
        sum(quarantined)::bigint as quarantined,
        bool_and(is_balanced) as is_balanced
    from pages
    group by 1, 2
),

reconciliation as (
    select
        by_day.*,
        by_day.is_balanced and by_day.quarantined = 0 as is_complete,
        coalesce(unmatched_by_stream.unmatched_identities, 0) as unmatched_identities_in_all,
        streams.watermark,
        passes.last_reconciled_at,
        coalesce(differences.differences_open, 0) as differences_open,
        coalesce(differences.differences_in_all, 0) as differences_in_all
    from by_day
    left join unmatched_by_stream on unmatched_by_stream.stream = by_day.stream
    left join streams on streams.stream = by_day.stream
    left join passes on passes.stream = by_day.stream
    left join differences on differences.stream = by_day.stream
)

select * from reconciliation
