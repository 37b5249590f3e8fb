-- One row per stream and page that arrived: what its records turned out to be.
-- Grain: stream, turn_no, page_no
-- Refresh: by turn_no
-- An accepted record is new (first edition of its key), a new edition, or a duplicate of one that we had.
with staged as (
    select 'assets' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.assets
    group by turn_no, page_no
    union all
    select 'asset_versions' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.asset_versions
    group by turn_no, page_no
    union all
    select 'segments' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.segments
    group by turn_no, page_no
    union all
    select 'segment_assets' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.segment_assets
    group by turn_no, page_no
    union all
    select 'grants' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.grants
    group by turn_no, page_no
    union all
    select 'packages' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.packages
    group by turn_no, page_no
    union all
    select 'package_items' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.package_items
    group by turn_no, page_no
    union all
    select 'deliveries' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.deliveries
    group by turn_no, page_no
    union all
    select 'access_events' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.access_events
    group by turn_no, page_no
    union all
    select 'reviews' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.reviews
    group by turn_no, page_no
    union all
    select 'partners' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.partners
    group by turn_no, page_no
    union all
    select 'partner_users' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.partner_users
    group by turn_no, page_no
    union all
    select 'partner_groups' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.partner_groups
    group by turn_no, page_no
    union all
    select 'group_members' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.group_members
    group by turn_no, page_no
    union all
    select 'requests' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.requests
    group by turn_no, page_no
    union all
    select 'request_events' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.request_events
    group by turn_no, page_no
    union all
    select 'issues' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.issues
    group by turn_no, page_no
    union all
    select 'issue_events' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.issue_events
    group by turn_no, page_no
    union all
    select 'acknowledgments' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.acknowledgments
    group by turn_no, page_no
    union all
    select 'comments' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.comments
    group by turn_no, page_no
    union all
    select 'campaigns' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.campaigns
    group by turn_no, page_no
    union all
    select 'campaign_partners' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.campaign_partners
    group by turn_no, page_no
    union all
    select 'campaign_tasks' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.campaign_tasks
    group by turn_no, page_no
    union all
    select 'notices' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.notices
    group by turn_no, page_no
    union all
    select 'xref' as stream, turn_no, page_no, count(*) as arrived, count(rejected_because) as quarantined
    from staging.xref
    group by turn_no, page_no
),

kept as (
    select 'assets' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.assets_history
    group by turn_no, page_no
    union all
    select 'asset_versions' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.asset_versions_history
    group by turn_no, page_no
    union all
    select 'segments' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.segments_history
    group by turn_no, page_no
    union all
    select 'segment_assets' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.segment_assets_history
    group by turn_no, page_no
    union all
    select 'grants' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.grants_history
    group by turn_no, page_no
    union all
    select 'packages' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.packages_history
    group by turn_no, page_no
    union all
    select 'package_items' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.package_items_history
    group by turn_no, page_no
    union all
    select 'deliveries' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.deliveries_history
    group by turn_no, page_no
    union all
    select 'access_events' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.access_events_history
    group by turn_no, page_no
    union all
    select 'reviews' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.reviews_history
    group by turn_no, page_no
    union all
    select 'partners' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.partners_history
    group by turn_no, page_no
    union all
    select 'partner_users' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.partner_users_history
    group by turn_no, page_no
    union all
    select 'partner_groups' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.partner_groups_history
    group by turn_no, page_no
    union all
    select 'group_members' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.group_members_history
    group by turn_no, page_no
    union all
    select 'requests' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.requests_history
    group by turn_no, page_no
    union all
    select 'request_events' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.request_events_history
    group by turn_no, page_no
    union all
    select 'issues' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.issues_history
    group by turn_no, page_no
    union all
    select 'issue_events' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.issue_events_history
    group by turn_no, page_no
    union all
    select 'acknowledgments' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.acknowledgments_history
    group by turn_no, page_no
    union all
    select 'comments' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.comments_history
    group by turn_no, page_no
    union all
    select 'campaigns' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.campaigns_history
    group by turn_no, page_no
    union all
    select 'campaign_partners' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.campaign_partners_history
    group by turn_no, page_no
    union all
    select 'campaign_tasks' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.campaign_tasks_history
    group by turn_no, page_no
    union all
    select 'notices' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.notices_history
    group by turn_no, page_no
    union all
    select 'xref' as stream, turn_no, page_no, count(*) filter (where edition = 1) as new, count(*) as editions
    from core.xref_history
    group by turn_no, page_no
),

arrivals as (
    select
        staged.stream,
        staged.turn_no,
        staged.page_no,
        staged.arrived,
        staged.quarantined,
        coalesce(kept.new, 0) as new,
        coalesce(kept.editions, 0) - coalesce(kept.new, 0) as new_editions,
        staged.arrived - staged.quarantined - coalesce(kept.editions, 0) as duplicates
    from staged
    left join kept
        on kept.stream = staged.stream
        and kept.turn_no = staged.turn_no
        and kept.page_no = staged.page_no
)

select * from arrivals
