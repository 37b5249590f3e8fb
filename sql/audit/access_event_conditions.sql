-- One row per thing that is wrong with an access event: it names nobody or nothing that is known.
-- Grain: finding_id
-- Refresh: by event_id
-- Spine: core.access_events
-- Touched by: core.partners(partner_id) through core.access_events
-- Touched by: core.assets(asset_id) through core.access_events
-- docs/domain.md, 3. Nothing is assigned to somebody by guess.
with events as (select * from core.access_events where superseded_by is null),

partners as (select * from core.partners),

assets as (select * from core.assets),

unmatched as (
    select
        'unmatched_identity:access_event:' || events.event_id as finding_id,
        'unmatched_identity' as rule,
        'warning' as severity,
        'access_event' as subject_type,
        events.event_id as subject_id,
        events.partner_id,
        events.asset_id,
        events.version_no,
        case
            when events.partner_id is null then 'names no partner that can be told'
            when partners.partner_id is null then 'names a partner that Trading Grid does not know'
            else 'names an asset that VIP does not know'
        end as detail,
        events.event_id
    from events
    left join partners on partners.partner_id = events.partner_id
    left join assets on assets.asset_id = events.asset_id
    where partners.partner_id is null or assets.asset_id is null
)

select * from unmatched
