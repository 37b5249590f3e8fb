-- One row per thing that speaks of a partner and a version of an asset that is in a campaign of that partner.
-- Grain: partner_id, asset_id, version_no, subject_type, subject_id, evidence_rung
-- Refresh: by partner_id, asset_id
-- Only with: core.campaign_partners(partner_id), core.package_items(asset_id)
-- Touched by: core.acknowledgments(ack_id) through freshness.answers
-- The rungs 1 to 7 of docs/domain.md, 5, each with the instant from which it counts and until which (a revoked
-- acknowledgment): the strongest that counts at an instant is freshness.evidence there. Rows lie in the future of as_of
-- too.
with campaign_partners as (select * from core.campaign_partners),

packages as (select * from core.packages where campaign_id is not null),

package_items as (select * from core.package_items),

events as (
    select * from core.access_events where event_type in ('previewed', 'opened') and superseded_by is null
),

delivered as (select * from freshness.delivered where channel in ('portal', 'email_link')),

obtained as (select * from freshness.obtained where version_no is not null),

notices as (select * from core.notices),

acknowledgments as (select * from core.acknowledgments),

answers as (select * from freshness.answers where kind in ('auto', 'received', 'read', 'accepted', 'completed')),

versions as (select * from core.asset_versions),

pairs as (
    select distinct campaign_partners.partner_id, package_items.asset_id
    from campaign_partners
    inner join packages on packages.campaign_id = campaign_partners.campaign_id
    inner join package_items on package_items.package_id = packages.package_id
),

things as (
    select
        'notice' as subject_type,
        notice_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        1 as evidence_rung,
        posted_at as reached_at,
        null::timestamptz as lost_at
    from notices
    union all
    select
        'delivery' as subject_type,
        delivery_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        2 as evidence_rung,
        put_at as reached_at,
        null::timestamptz as lost_at
    from delivered
    union all
    select
        'access_event' as subject_type,
        event_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        3 as evidence_rung,
        occurred_at as reached_at,
        null::timestamptz as lost_at
    from events
    union all
    select
        subject_type,
        subject_id,
        partner_id,
        asset_id,
        version_no,
        4 as evidence_rung,
        obtained_at as reached_at,
        null::timestamptz as lost_at
    from obtained
    union all
    select
        'acknowledgment' as subject_type,
        answers.ack_id as subject_id,
        answers.partner_id,
        answers.asset_id,
        versions.version_no,
        case
            when answers.kind = 'auto' then 2
            when lower(acknowledgments.content_digest) = lower(versions.checksum_sha256) then 7
            when answers.kind = 'completed' then 6
            else 5
        end as evidence_rung,
        answers.occurred_at as reached_at,
        answers.revoked_at as lost_at
    from answers
    inner join acknowledgments on acknowledgments.ack_id = answers.ack_id
    inner join versions as named
        on named.asset_id = answers.asset_id
        and named.version_no = answers.version_no
    inner join versions
        on versions.asset_id = answers.asset_id
        and (versions.version_no = answers.version_no or versions.checksum_sha256 = named.checksum_sha256)
),

evidence as (
    select things.*
    from things
    inner join pairs
        on pairs.partner_id = things.partner_id
        and pairs.asset_id = things.asset_id
    where things.version_no is not null
        and things.reached_at is not null
        and (things.lost_at is null or things.lost_at > things.reached_at)
)

select * from evidence
