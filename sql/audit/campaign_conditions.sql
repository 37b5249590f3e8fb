-- One row per campaign that Trading Grid shows as ready while a partner has not confirmed something that is required.
-- Grain: finding_id
-- Refresh: full
-- docs/domain.md, 8 and 9 (P6). Which partners and items they are is freshness.readiness.
with campaigns as (select * from core.campaigns where status = 'ready'),

readiness as (select * from freshness.readiness where is_required and not is_ready),

unconfirmed as (
    select
        readiness.campaign_id,
        count(distinct readiness.partner_id) as partners,
        count(distinct readiness.asset_id) as items
    from readiness
    inner join campaigns on campaigns.campaign_id = readiness.campaign_id
    group by readiness.campaign_id
),

conditions as (
    select
        'campaign_ready_unconfirmed:campaign:' || campaign_id as finding_id,
        'campaign_ready_unconfirmed' as rule,
        'warning' as severity,
        'campaign' as subject_type,
        campaign_id as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        'the campaign is ready, but ' || partners::varchar || ' partners have not confirmed ' || items::varchar
        || ' required items' as detail,
        campaign_id
    from unconfirmed
)

select * from conditions
