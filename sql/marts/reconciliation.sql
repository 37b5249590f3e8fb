-- One row per day and stream: what arrived, what became of it, and whether all of it is accounted for.
-- Grain: day, stream
-- Refresh: full
-- docs/domain.md, K14: fetched = new + new editions + duplicates + quarantined, else is_complete is false.
with pages as (select * from ops.pages),

streams as (select * from ops.streams),

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
        streams.watermark
    from by_day
    left join unmatched_by_stream on unmatched_by_stream.stream = by_day.stream
    left join streams on streams.stream = by_day.stream
)

select * from reconciliation
