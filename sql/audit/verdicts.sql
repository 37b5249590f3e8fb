-- One row per access event and delivery that counts: how it is judged at its own instant, with all that is known now.
-- Grain: subject_type, subject_id
-- Refresh: by subject_type, subject_id
-- Keyed in: core.access_events(subject_type = 'access_event', subject_id = event_id)
-- Keyed in: freshness.delivered(subject_type = 'delivery', subject_id = delivery_id)
-- Keyed in: core.deliveries(subject_type = 'delivery', subject_id = delivery_id)
-- Spine: core.access_events, freshness.delivered
-- Touched by: core.identities(source_partner_id = source_id) through core.deliveries
-- Touched by: core.partners(partner_id) through audit.verdicts
-- Touched by: core.assets(asset_id) through audit.verdicts
-- Touched by: core.asset_versions(asset_id) through audit.verdicts
-- Touched by: freshness.unbarred_lives(asset_id) through audit.verdicts
-- Touched by: freshness.access_rights(partner_id, asset_id) through audit.verdicts
-- Unmoved by: freshness.places
-- docs/domain.md, 8. A delivery is judged when it first reached delivered or picked_up; a superseded event is not. A
-- denied attempt is judged, and is no access. What lies after as_of is judged as well: nothing here hangs on a clock,
-- so occurred_at is for the reader to ask about.
with events as (select * from core.access_events where superseded_by is null),

delivered as (select * from freshness.delivered),

deliveries as (select * from core.deliveries),

identities as (select * from core.identities where entity = 'partner'),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

places as (select * from freshness.places),

rights as (select * from freshness.access_rights),

lives as (select * from freshness.unbarred_lives),

subjects as (
    select
        'access_event' as subject_type,
        event_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        event_type as event_kind,
        vector as channel_or_vector,
        occurred_at,
        event_type in ('previewed', 'opened') as is_look,
        event_type <> 'denied' as is_counted_as_access
    from events
    union all
    select
        'delivery' as subject_type,
        delivered.delivery_id as subject_id,
        case
            when identities.source_id is null then deliveries.source_partner_id else identities.target_id
        end as partner_id,
        delivered.asset_id,
        delivered.version_no,
        case
            when delivered.put_at = delivered.delivered_at then 'delivery_delivered' else 'delivery_picked_up'
        end as event_kind,
        delivered.channel as channel_or_vector,
        delivered.delivered_at as occurred_at,
        false as is_look,
        true as is_counted_as_access
    from delivered
    inner join deliveries on deliveries.delivery_id = delivered.delivery_id
    left join identities
        on identities.source_id = deliveries.source_partner_id
        and identities.holds_from <= delivered.delivered_at
        and delivered.delivered_at < identities.holds_until
),

placed as (
    select
        subjects.*,
        partners.partner_id is not null as is_partner_known,
        partners.region,
        coalesce(partners.zone, assets.zone) as zone
    from subjects
    left join partners on partners.partner_id = subjects.partner_id
    left join assets on assets.asset_id = subjects.asset_id
),

bars as (
    select distinct places.region, versions.asset_id, versions.version_no
    from versions
    cross join places
    where len(versions.restricted_regions) > 0 and is_barred_region(versions.restricted_regions, places.region)
),

first_lives as (select * from lives where not is_reinstated),

reinstated as (select * from lives where is_reinstated),

judged as (
    select
        placed.subject_type,
        placed.subject_id,
        placed.partner_id,
        placed.asset_id,
        placed.version_no,
        placed.event_kind,
        placed.channel_or_vector,
        placed.occurred_at,
        case
            when not placed.is_partner_known then 'unknown_identity'
            when bars.version_no is not null then 'barred'
            when rights.partner_id is null then 'no_grant'
            when placed.is_look then rights.to_look
            else rights.to_obtain
        end as entitlement_now,
        case
            when versions.version_no is null then 'version_unknown'
            when versions.withdrawn_from <= placed.occurred_at then 'obsolete_withdrawn'
            when versions.expires_at <= placed.occurred_at then 'obsolete_expired'
            when first_lives.version_no is null then 'never_effective'
            when first_lives.effective_at > placed.occurred_at then 'embargo'
            when first_lives.ended_at is null or first_lives.ended_at > placed.occurred_at then 'live'
            when reinstated.version_no is not null then 'live'
            else 'obsolete_superseded'
        end as timing_now,
        placed.is_counted_as_access
    from placed
    left join versions
        on versions.asset_id = placed.asset_id
        and versions.version_no = placed.version_no
    left join bars
        on bars.region = placed.region
        and bars.asset_id = placed.asset_id
        and bars.version_no = placed.version_no
    left join first_lives
        on first_lives.zone = placed.zone
        and first_lives.asset_id = placed.asset_id
        and first_lives.version_no = placed.version_no
    left join reinstated
        on reinstated.zone = placed.zone
        and reinstated.asset_id = placed.asset_id
        and reinstated.version_no = placed.version_no
        and reinstated.effective_at <= placed.occurred_at
        and (reinstated.ended_at is null or reinstated.ended_at > placed.occurred_at)
    left join rights
        on rights.partner_id = placed.partner_id
        and rights.asset_id = placed.asset_id
        and rights.holds_from <= placed.occurred_at
        and rights.holds_until > placed.occurred_at
)

select * from judged
