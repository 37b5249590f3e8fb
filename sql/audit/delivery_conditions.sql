-- One row per thing that is wrong with a delivery: it names nobody or nothing that is known, or came too late.
-- Grain: finding_id
-- Refresh: by delivery_id
-- Spine: core.deliveries
-- Touched by: core.partners(partner_id) through core.deliveries
-- Touched by: core.partners(partner_id) through freshness.delivered
-- Touched by: core.assets(asset_id) through core.deliveries
-- Touched by: freshness.version_lives(asset_id) through core.deliveries
-- docs/domain.md, 3 and 8. delivered_superseded: the version had been superseded for that partner when it was delivered.
with deliveries as (select * from core.deliveries),

delivered as (select * from freshness.delivered),

partners as (select * from core.partners),

assets as (select * from core.assets),

lives as (select * from freshness.version_lives),

unmatched as (
    select
        'unmatched_identity' as rule,
        deliveries.delivery_id,
        deliveries.partner_id,
        deliveries.asset_id,
        deliveries.version_no,
        case
            when deliveries.partner_id is null then 'names no partner that can be told'
            when partners.partner_id is null then 'names a partner that Trading Grid does not know'
            else 'names an asset that VIP does not know'
        end as detail
    from deliveries
    left join partners on partners.partner_id = deliveries.partner_id
    left join assets on assets.asset_id = deliveries.asset_id
    where partners.partner_id is null or assets.asset_id is null
),

superseded as (
    select
        'delivered_superseded' as rule,
        delivered.delivery_id,
        delivered.partner_id,
        delivered.asset_id,
        delivered.version_no,
        'the version was already superseded when it was delivered' as detail
    from delivered
    inner join partners on partners.partner_id = delivered.partner_id
    inner join lives
        on lives.region = partners.region
        and lives.zone = partners.zone
        and lives.asset_id = delivered.asset_id
        and lives.version_no = delivered.version_no
        and lives.effective_at <= delivered.delivered_at
    group by delivered.delivery_id, delivered.partner_id, delivered.asset_id, delivered.version_no, delivered.delivered_at
    having max(coalesce(lives.ended_at, 'infinity'::timestamptz)) <= delivered.delivered_at
        and arg_max(lives.end_reason, lives.effective_at) = 'superseded'
),

every_rule as (
    select * from unmatched
    union all
    select * from superseded
),

conditions as (
    select
        rule || ':delivery:' || delivery_id as finding_id,
        rule,
        'warning' as severity,
        'delivery' as subject_type,
        delivery_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        detail,
        delivery_id
    from every_rule
)

select * from conditions
