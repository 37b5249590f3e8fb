-- One row per partner, asset and version that anything up to as_of speaks of: the strongest evidence that it has it.
-- Grain: partner_id, asset_id, version_no
-- Refresh: by partner_id, asset_id
-- Changes at: core.access_events.occurred_at, freshness.delivered.put_at, freshness.obtained.obtained_at
-- Changes at: core.notices.posted_at, freshness.answers.occurred_at, freshness.answers.revoked_at
-- Rungs 1 to 7 of docs/domain.md, 5: notified, delivered, opened, obtained, acknowledged, completed, verified. Rung 0,
-- assigned, follows from entitlement and needs no row here. Proxy acknowledgments and comments are no rung. An answer
-- about one of two versions with equal checksums counts for the other too (docs/domain.md, 7).
with events as (
    select * from core.access_events where superseded_by is null and occurred_at <= $as_of
),

delivered as (select * from freshness.delivered where put_at <= $as_of),

obtained as (select * from freshness.obtained where obtained_at <= $as_of and version_no is not null),

notices as (select * from core.notices where posted_at <= $as_of),

answers as (
    select * from freshness.answers where occurred_at <= $as_of and (revoked_at is null or revoked_at > $as_of)
),

versions as (select * from core.asset_versions),

rungs as (
    select partner_id, asset_id, version_no, 1 as rung from notices
    union all
    select partner_id, asset_id, version_no, 2 as rung
    from delivered
    where channel in ('portal', 'email_link')
    union all
    select partner_id, asset_id, version_no, 3 as rung
    from events
    where event_type in ('previewed', 'opened')
    union all
    select partner_id, asset_id, version_no, 4 as rung from obtained
    union all
    select
        answers.partner_id,
        answers.asset_id,
        versions.version_no,
        case
            when answers.kind = 'auto' then 2
            when lower(answers.content_digest) = lower(versions.checksum_sha256) then 7
            when answers.kind = 'completed' then 6
            else 5
        end as rung
    from answers
    inner join versions as named
        on named.asset_id = answers.asset_id
        and named.version_no = answers.version_no
    inner join versions
        on versions.asset_id = answers.asset_id
        and (versions.version_no = answers.version_no or versions.checksum_sha256 = named.checksum_sha256)
    where answers.kind in ('auto', 'received', 'read', 'accepted', 'completed')
),

evidence as (
    select partner_id, asset_id, version_no, max(rung) as evidence_rung
    from rungs
    where partner_id is not null and asset_id is not null and version_no is not null
    group by partner_id, asset_id, version_no
)

select * from evidence
