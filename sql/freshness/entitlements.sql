-- One row per partner and asset that a grant in force at as_of, or a later one, is about.
-- Grain: partner_id, asset_id
-- Refresh: by partner_id, asset_id
-- Spine: freshness.access_rights
-- may_download: its grants allow it to obtain; entitled: that, and not suspended (docs/domain.md, 6 and 8).
-- next_change_at is the next instant at which a grant begins or ends to count.
with rights as (select * from freshness.access_rights where holds_until > $as_of),

partners as (select * from core.partners),

pairs as (
    select
        partner_id,
        asset_id,
        bool_or(to_obtain = 'ok' and holds_from <= $as_of) as may_download,
        min(case when holds_from > $as_of then holds_from else holds_until end) as next_change_at
    from rights
    group by partner_id, asset_id
),

entitlements as (
    select
        pairs.partner_id,
        pairs.asset_id,
        pairs.may_download,
        pairs.may_download and partners.status is distinct from 'suspended' as entitled,
        nullif(pairs.next_change_at, 'infinity'::timestamptz) as next_change_at
    from pairs
    inner join partners on partners.partner_id = pairs.partner_id
)

select * from entitlements
