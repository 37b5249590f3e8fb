-- One row per campaign that is under way, partner, package and asset in it: what the partner is to have at the launch.
-- Grain: campaign_id, partner_id, package_id, asset_id
-- Refresh: full
-- docs/patterns/campaigns.md. is_needed: the package does not go out before it is final (the package requires it).
-- is_owed: the partner, too, is required to have it (freshness.readiness). is_packed: it can go out now.
with campaigns as (select * from core.campaigns where status in ('planning', 'ready', 'launched')),

packages as (select * from core.packages where campaign_id is not null),

package_items as (select * from core.package_items),

readiness as (select * from freshness.readiness),

assets as (select * from core.assets),

asset_versions as (select * from core.asset_versions),

asset_names as (select * from sync.asset_names),

listed as (
    select *, unnest(package_ids) as package_id
    from readiness
    where not_required_because is distinct from 'partner_left' and not_required_because is distinct from 'asset_deleted'
),

items as (
    select
        listed.campaign_id,
        listed.partner_id,
        listed.package_id,
        listed.asset_id,
        package_items.sequence,
        package_items.known_at as packed_at,
        coalesce(package_items.required, true) as is_needed,
        listed.is_required as is_owed,
        listed.is_waived,
        listed.launch_at,
        listed.required_rung,
        listed.launch_version_no,
        listed.state,
        listed.blocked_by,
        listed.obtained_at,
        listed.evidence_rung,
        listed.invalidated_at,
        asset_versions.approved_at,
        greatest(asset_versions.approved_at, listed.invalidated_at) as final_since,
        packages.embargo_until,
        listed.launch_version_no is not null
        and coalesce(listed.blocked_by, '') <> 'no_launch_date'
        and coalesce(listed.blocked_by, '') <> 'not_entitled'
        and asset_names.trading_grid_asset_id is not null as is_packed,
        asset_names.trading_grid_asset_id,
        '- ' || coalesce(assets.title, listed.asset_id) || ' (' || coalesce(asset_names.trading_grid_asset_id, '') || '): '
        || coalesce(asset_versions.version_label, cast(listed.launch_version_no as varchar), '')
        || coalesce(', ' || asset_versions.file_name, '') as line
    from listed
    inner join campaigns on campaigns.campaign_id = listed.campaign_id
    inner join packages on packages.package_id = listed.package_id
    inner join assets on assets.asset_id = listed.asset_id
    inner join package_items
        on package_items.package_id = listed.package_id
        and package_items.asset_id = listed.asset_id
    left join asset_names on asset_names.asset_id = listed.asset_id
    left join asset_versions
        on asset_versions.asset_id = listed.asset_id
        and asset_versions.version_no = listed.launch_version_no
)

select * from items
