-- One row per copy that a partner ever obtained: a download, or a delivery that certainly arrived.
-- Grain: subject_type, subject_id
-- Refresh: by partner_id, asset_id
-- Spine: core.access_events, freshness.delivered
-- docs/domain.md, 5, rung 4. version_no is null where VIP does not know the version. Superseded events count in nothing;
-- copies of partners or assets that nobody knows are findings, not rows.
with events as (
    select * from core.access_events where event_type = 'downloaded' and superseded_by is null
),

deliveries as (select * from freshness.delivered where obtained_at is not null),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

copies as (
    select
        'access_event' as subject_type,
        event_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        occurred_at as obtained_at
    from events
    union all
    select
        'delivery' as subject_type,
        delivery_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        obtained_at
    from deliveries
),

obtained as (
    select
        copies.subject_type,
        copies.subject_id,
        copies.partner_id,
        copies.asset_id,
        versions.version_no,
        copies.obtained_at
    from copies
    inner join partners on partners.partner_id = copies.partner_id
    inner join assets on assets.asset_id = copies.asset_id
    left join versions
        on versions.asset_id = copies.asset_id
        and versions.version_no = copies.version_no
)

select * from obtained
