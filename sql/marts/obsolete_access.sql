-- One row per copy that anybody obtained of a version at or after that version's end.
-- Grain: subject_type, subject_id
-- Refresh: by subject_type, subject_id
-- Keyed in: freshness.delivered(subject_type = 'delivery', subject_id = delivery_id)
-- Spine: audit.verdicts
-- Follows: freshness.delivered
-- Changes at: audit.verdicts.occurred_at, freshness.delivered.obtained_at
-- Touched by: core.partners(partner_id) through audit.verdicts
-- Touched by: core.assets(asset_id) through audit.verdicts
-- Touched by: core.asset_versions(asset_id) through audit.verdicts
-- Touched by: freshness.unbarred_lives(asset_id) through audit.verdicts
-- What K7 counts (docs/domain.md, 11). A download is judged where it happened, a delivery where it was obtained, which
-- may be later than the verdict on it. Bars are ignored, as in every judgment of timing; an identity that nobody knows
-- is on the publisher's clock (section 8). reason is the first that holds of withdrawn, expired, superseded; ended_at is
-- when the version's last life had ended, or its withdrawal or expiry if it never lived; the grace runs from there.
with downloads as (
    select * from audit.verdicts
    where event_kind = 'downloaded'
        and timing_now in ('obsolete_withdrawn', 'obsolete_expired', 'obsolete_superseded')
        and occurred_at <= $as_of
),

deliveries as (select * from freshness.delivered where obtained_at <= $as_of),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

lives as (select * from freshness.unbarred_lives),

grace as (select * from ops.grace),

copies as (
    select
        subject_type,
        subject_id,
        partner_id,
        asset_id,
        version_no,
        channel_or_vector,
        occurred_at as obtained_at
    from downloads
    union all
    select
        'delivery' as subject_type,
        delivery_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        channel as channel_or_vector,
        obtained_at
    from deliveries
),

placed as (
    select
        copies.*,
        partners.partner_id is not null as is_partner_known,
        partners.region,
        partners.tier,
        assets.brand,
        assets.classification,
        coalesce(partners.zone, assets.zone) as zone,
        versions.withdrawn_from,
        versions.expires_at
    from copies
    inner join assets on assets.asset_id = copies.asset_id
    inner join versions
        on versions.asset_id = copies.asset_id
        and versions.version_no = copies.version_no
    left join partners on partners.partner_id = copies.partner_id
),

endings as (
    select
        placed.subject_type,
        placed.subject_id,
        max(lives.ended_at) filter (where lives.ended_at <= placed.obtained_at) as life_ended_at,
        bool_or(lives.ended_at is null or lives.ended_at > placed.obtained_at) as is_live
    from placed
    inner join lives
        on lives.zone = placed.zone
        and lives.asset_id = placed.asset_id
        and lives.version_no = placed.version_no
        and lives.effective_at <= placed.obtained_at
    group by placed.subject_type, placed.subject_id
),

ended as (
    select
        placed.*,
        case
            when placed.withdrawn_from <= placed.obtained_at then 'withdrawn'
            when placed.expires_at <= placed.obtained_at then 'expired'
            when not endings.is_live and endings.life_ended_at is not null then 'superseded'
        end as reason,
        coalesce(endings.life_ended_at, least(placed.withdrawn_from, placed.expires_at)) as ended_at
    from placed
    left join endings
        on endings.subject_type = placed.subject_type
        and endings.subject_id = placed.subject_id
),

obsolete as (
    select
        ended.subject_type,
        ended.subject_id,
        ended.obtained_at,
        ended.partner_id,
        ended.is_partner_known,
        ended.region,
        ended.tier,
        ended.asset_id,
        ended.brand,
        ended.classification,
        ended.version_no,
        ended.channel_or_vector,
        ended.reason,
        ended.ended_at,
        ended.ended_at + to_seconds(coalesce(grace.seconds, standard_grace.seconds)) as grace_until,
        ended.ended_at + to_seconds(coalesce(grace.seconds, standard_grace.seconds)) > ended.obtained_at as is_in_grace
    from ended
    left join grace on grace.classification = ended.classification
    left join grace as standard_grace on standard_grace.classification = 'standard'
    where ended.reason is not null
)

select * from obsolete
