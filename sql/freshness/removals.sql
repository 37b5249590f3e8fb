-- One row per attestation that copies were removed, and partner whose copies it is about.
-- Grain: ack_id, partner_id
-- Refresh: by ack_id
-- Spine: core.acknowledgments
-- Touched by: core.partners(partner_id) through core.acknowledgments
-- Touched by: core.partners(partner_id = parent_partner_id) through core.acknowledgments
-- Touched by: freshness.version_terms(asset_id, version_no) through core.acknowledgments
-- A parent's attestation with covers_children is about its direct children's copies too. spares_version_no is the version
-- whose copies it leaves: the one that it names, unless that was withdrawn, expired or barred for the partner by then
-- (docs/domain.md, 6).
with attestations as (
    select * from core.acknowledgments where kind = 'completed' and asset_id is not null
),

partners as (select * from core.partners),

terms as (select * from freshness.version_terms),

affected as (
    select attestations.ack_id, attestations.partner_id
    from attestations
    union
    select attestations.ack_id, partners.partner_id
    from attestations
    inner join partners on partners.parent_partner_id = attestations.partner_id
    where attestations.covers_children
),

removals as (
    select
        affected.ack_id,
        affected.partner_id,
        attestations.asset_id,
        attestations.occurred_at as attested_at,
        attestations.revoked_at,
        case
            when terms.withdrawn_from <= attestations.occurred_at then null
            when terms.expires_at <= attestations.occurred_at then null
            when terms.is_barred then null
            else terms.version_no
        end as spares_version_no
    from affected
    inner join attestations on attestations.ack_id = affected.ack_id
    inner join partners on partners.partner_id = affected.partner_id
    left join terms
        on terms.region = partners.region
        and terms.zone = partners.zone
        and terms.asset_id = attestations.asset_id
        and terms.version_no = attestations.version_no
)

select * from removals
