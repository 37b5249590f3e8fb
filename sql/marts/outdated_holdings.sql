-- One row per partner and asset where the partner holds something that it should not, or not any more.
-- Grain: partner_id, asset_id
-- Refresh: by partner_id, asset_id
-- Spine: freshness.positions
-- Changes at: core.notices.posted_at
-- Published with: as_of, data_late of position
-- Outdated and exposed positions of docs/domain.md, 6, with what to do about them and who was told.
with positions as (select * from freshness.positions where is_outdated or is_exposed),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

notices as (
    select * from core.notices where kind in ('version_change', 'withdrawal', 'expiry') and retracted_at is null
),

told as (
    select partner_id, asset_id, count(*) as notices_posted, max(posted_at) as last_notice_at
    from notices
    where posted_at <= $as_of
    group by partner_id, asset_id
),

outdated as (
    select
        positions.partner_id,
        partners.name as partner_name,
        partners.region,
        partners.tier,
        positions.asset_id,
        assets.title as asset_title,
        assets.classification,
        assets.brand,
        assets.owner,
        positions.position,
        positions.position_rule,
        positions.held_versions,
        positions.last_version_no,
        positions.last_obtained_at,
        positions.target_version_no,
        positions.target_effective_at,
        positions.grace_until,
        versions.replacement_instructions,
        positions.is_outdated,
        positions.is_exposed,
        positions.holds_withdrawn,
        positions.holds_barred,
        positions.evidence_rung,
        coalesce(told.notices_posted, 0) as notices_posted,
        told.last_notice_at,
        positions.next_change_at
    from positions
    inner join partners on partners.partner_id = positions.partner_id
    inner join assets on assets.asset_id = positions.asset_id
    left join versions
        on versions.asset_id = positions.asset_id
        and versions.version_no = positions.target_version_no
    left join told
        on told.partner_id = positions.partner_id
        and told.asset_id = positions.asset_id
)

select * from outdated
