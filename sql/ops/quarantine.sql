-- One row per record that was rejected on arrival: where it came from, why, and its bytes where it could not be read at all.
-- Grain: stream, turn_no, page_no, row_no
-- Refresh: by turn_no
with from_assets as (select 'assets' as stream, *, coalesce(asset_id::varchar, '') as record_key from staging.assets where rejected_because is not null),

from_asset_versions as (select 'asset_versions' as stream, *, coalesce(asset_id::varchar, '') || '|' || coalesce(version_no::varchar, '') as record_key from staging.asset_versions where rejected_because is not null),

from_segments as (select 'segments' as stream, *, coalesce(segment_id::varchar, '') as record_key from staging.segments where rejected_because is not null),

from_segment_assets as (select 'segment_assets' as stream, *, coalesce(segment_id::varchar, '') || '|' || coalesce(asset_id::varchar, '') || '|' || coalesce(added_at::varchar, '') as record_key from staging.segment_assets where rejected_because is not null),

from_grants as (select 'grants' as stream, *, coalesce(grant_id::varchar, '') as record_key from staging.grants where rejected_because is not null),

from_packages as (select 'packages' as stream, *, coalesce(package_id::varchar, '') as record_key from staging.packages where rejected_because is not null),

from_package_items as (select 'package_items' as stream, *, coalesce(package_id::varchar, '') || '|' || coalesce(asset_id::varchar, '') as record_key from staging.package_items where rejected_because is not null),

from_deliveries as (select 'deliveries' as stream, *, coalesce(delivery_id::varchar, '') as record_key from staging.deliveries where rejected_because is not null),

from_access_events as (select 'access_events' as stream, *, coalesce(event_id::varchar, '') as record_key from staging.access_events where rejected_because is not null),

from_reviews as (select 'reviews' as stream, *, coalesce(review_id::varchar, '') as record_key from staging.reviews where rejected_because is not null),

from_partners as (select 'partners' as stream, *, coalesce(partner_id::varchar, '') as record_key from staging.partners where rejected_because is not null),

from_partner_users as (select 'partner_users' as stream, *, coalesce(user_id::varchar, '') as record_key from staging.partner_users where rejected_because is not null),

from_partner_groups as (select 'partner_groups' as stream, *, coalesce(group_id::varchar, '') as record_key from staging.partner_groups where rejected_because is not null),

from_group_members as (select 'group_members' as stream, *, coalesce(group_id::varchar, '') || '|' || coalesce(partner_id::varchar, '') || '|' || coalesce(joined_at::varchar, '') as record_key from staging.group_members where rejected_because is not null),

from_requests as (select 'requests' as stream, *, coalesce(request_id::varchar, '') as record_key from staging.requests where rejected_because is not null),

from_request_events as (select 'request_events' as stream, *, coalesce(event_id::varchar, '') as record_key from staging.request_events where rejected_because is not null),

from_issues as (select 'issues' as stream, *, coalesce(issue_id::varchar, '') as record_key from staging.issues where rejected_because is not null),

from_issue_events as (select 'issue_events' as stream, *, coalesce(event_id::varchar, '') as record_key from staging.issue_events where rejected_because is not null),

from_acknowledgments as (select 'acknowledgments' as stream, *, coalesce(ack_id::varchar, '') as record_key from staging.acknowledgments where rejected_because is not null),

from_comments as (select 'comments' as stream, *, coalesce(comment_id::varchar, '') as record_key from staging.comments where rejected_because is not null),

from_campaigns as (select 'campaigns' as stream, *, coalesce(campaign_id::varchar, '') as record_key from staging.campaigns where rejected_because is not null),

from_campaign_partners as (select 'campaign_partners' as stream, *, coalesce(campaign_id::varchar, '') || '|' || coalesce(partner_id::varchar, '') as record_key from staging.campaign_partners where rejected_because is not null),

from_campaign_tasks as (select 'campaign_tasks' as stream, *, coalesce(task_id::varchar, '') as record_key from staging.campaign_tasks where rejected_because is not null),

from_notices as (select 'notices' as stream, *, coalesce(notice_id::varchar, '') as record_key from staging.notices where rejected_because is not null),

from_xref as (select 'xref' as stream, *, coalesce(entity::varchar, '') || '|' || coalesce(vip_id::varchar, '') || '|' || coalesce(trading_grid_id::varchar, '') as record_key from staging.xref where rejected_because is not null),

rejected as (
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_assets
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_asset_versions
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_segments
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_segment_assets
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_grants
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_packages
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_package_items
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_deliveries
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_access_events
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_reviews
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_partners
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_partner_users
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_partner_groups
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_group_members
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_requests
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_request_events
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_issues
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_issue_events
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_acknowledgments
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_comments
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_campaigns
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_campaign_partners
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_campaign_tasks
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_notices
    union all
    select stream, turn_no, page_no, row_no, source_system, known_at, record_key, record_sha256, rejected_because, raw_base64
    from from_xref
)

select * from rejected
