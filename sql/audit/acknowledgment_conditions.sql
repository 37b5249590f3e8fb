-- One row per thing that is wrong with an acknowledgment: it names nobody or nothing that is known, or says what cannot be.
-- Grain: finding_id
-- Refresh: by ack_id
-- Keyed in: audit.deliveries_acknowledged(ack_id = claimed_ack_id)
-- Spine: core.acknowledgments
-- Touched by: core.partners(partner_id) through core.acknowledgments
-- Touched by: core.assets(asset_id) through core.acknowledgments
-- docs/domain.md, 3 and 8. A contradiction is found once per partner, asset and version, at the partner's own first
-- acknowledgment of it (received, read or accepted).
with acknowledgments as (select * from core.acknowledgments),

partners as (select * from core.partners),

assets as (select * from core.assets),

joined as (select * from audit.deliveries_acknowledged where claimed_ack_id is not null),

unmatched as (
    select
        'unmatched_identity' as rule,
        acknowledgments.ack_id,
        acknowledgments.partner_id,
        acknowledgments.asset_id,
        acknowledgments.version_no,
        case
            when partners.partner_id is null then 'names a partner that Trading Grid does not know'
            else 'names an asset that VIP does not know'
        end as detail
    from acknowledgments
    left join partners on partners.partner_id = acknowledgments.partner_id
    left join assets on assets.asset_id = acknowledgments.asset_id
    where partners.partner_id is null or assets.asset_id is null
),

without_bytes as (
    select
        'acknowledged_without_bytes' as rule,
        claimed_ack_id as ack_id,
        partner_id,
        asset_id,
        version_no,
        'a person acknowledged a version that this partner never obtained' as detail
    from joined
    where list_contains(contradictions, 'acknowledged_without_bytes')
),

never_sent as (
    select
        'acknowledged_never_sent' as rule,
        claimed_ack_id as ack_id,
        partner_id,
        asset_id,
        version_no,
        'a person acknowledged a version that this partner was neither sent nor told of' as detail
    from joined
    where list_contains(contradictions, 'acknowledged_never_sent')
),

every_rule as (
    select * from unmatched
    union all
    select * from without_bytes
    union all
    select * from never_sent
),

conditions as (
    select
        rule || ':acknowledgment:' || ack_id as finding_id,
        rule,
        'warning' as severity,
        'acknowledgment' as subject_type,
        ack_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        detail,
        ack_id
    from every_rule
)

select * from conditions
