-- One row per event of the trail, with the names that a reader needs.
-- Grain: seq
-- Refresh: by subject_type, subject_id
-- Spine: audit.trail
-- Touched by: core.partners(partner_id) through marts.audit_trail
-- Touched by: core.assets(asset_id) through marts.audit_trail
-- Published with: verdicts
with trail as (select * from audit.trail),

partners as (select * from core.partners),

assets as (select * from core.assets),

named as (
    select
        trail.seq,
        trail.occurred_at,
        trail.recorded_at,
        trail.known_at,
        trail.source_system,
        trail.event_kind,
        trail.partner_id,
        partners.name as partner_name,
        partners.region,
        trail.user_id,
        trail.asset_id,
        assets.title as asset_title,
        assets.classification,
        trail.version_no,
        trail.subject_type,
        trail.subject_id,
        trail.edition,
        trail.superseded_by,
        trail.evidence_rung,
        trail.entitlement_then,
        trail.timing_then,
        trail.run_id
    from trail
    left join partners on partners.partner_id = trail.partner_id
    left join assets on assets.asset_id = trail.asset_id
)

select * from named
