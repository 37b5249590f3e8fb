-- One row per kind of claim: whether as_of lies past what the feeds that it rests on are known up to.
-- Grain: claim
-- Refresh: full
-- docs/domain.md, 2: a feed that was never read to its end, or that no connection serves, is late.
with streams as (select * from ops.streams),

needs as (
    select 'position' as claim, unnest(['access_events', 'deliveries', 'asset_versions']) as stream
    union all
    select 'obligation' as claim, unnest(['acknowledgments', 'notices']) as stream
),

reaches as (
    select
        needs.claim,
        needs.stream,
        streams.watermark,
        streams.watermark + to_seconds(streams.tolerance_seconds) as whole_until
    from needs
    left join streams on streams.stream = needs.stream
),

claims as (
    select
        claim,
        case when count(watermark) = count(*) then min(watermark) end as watermark,
        bool_or(whole_until is null or $as_of > whole_until) as is_late,
        list_sort(list(stream) filter (where whole_until is null or $as_of > whole_until)) as late_streams
    from reaches
    group by claim
)

select * from claims
