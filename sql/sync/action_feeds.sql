-- One row per pattern that acts: whether a feed that its actions rest on is late.
-- Grain: pattern
-- Refresh: full
-- docs/domain.md, 2: nothing is done for a reason that late data may have made. A feed that no connection serves is
-- waited for by nobody.
with streams as (select * from ops.streams),

needs as (
    select
        'P1' as pattern,
        unnest(
            [
                'requests', 'request_events', 'comments', 'deliveries', 'asset_versions', 'assets', 'grants',
                'segment_assets', 'group_members', 'partners'
            ]
        ) as stream
    union all
    select
        'P3' as pattern,
        unnest(['issues', 'issue_events', 'reviews']) as stream
    union all
    select
        'P5' as pattern,
        unnest(['segments', 'segment_assets', 'grants', 'partner_groups', 'group_members']) as stream
    union all
    select
        'P6' as pattern,
        unnest(
            ['campaigns', 'campaign_tasks', 'packages', 'package_items', 'deliveries', 'asset_versions', 'grants']
        ) as stream
),

feeds as (
    select
        needs.pattern,
        needs.stream,
        streams.watermark is null
        or $as_of > streams.watermark + to_seconds(streams.tolerance_seconds) as is_late
    from needs
    inner join streams on streams.stream = needs.stream
),

patterns as (
    select
        pattern,
        bool_or(is_late) as is_late,
        list_sort(list(stream) filter (where is_late)) as late_streams
    from feeds
    group by pattern
)

select * from patterns
