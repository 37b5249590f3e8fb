-- One row per partner and asset that a grant in force at as_of, or a later one, is about.
-- Grain: partner_id, asset_id
-- Refresh: full
-- may_download: some allow with download, and no deny that has download or view; entitled: that, and not suspended
-- (docs/domain.md, 6 and 8). next_change_at is the next instant at which a grant begins or ends to count.
with grants as (select * from core.grants),

partners as (select * from core.partners),

given as (select * from freshness.grant_partners where given_until > $as_of),

reaching as (select * from freshness.grant_assets where reaches_until > $as_of),

meeting as (
    select
        given.partner_id,
        reaching.asset_id,
        grants.effect,
        coalesce(list_contains(grants.rights, 'download'), false) as has_download,
        coalesce(list_contains(grants.rights, 'view'), false) as has_view,
        greatest(given.given_from, reaching.reaches_from) as counts_from,
        least(given.given_until, reaching.reaches_until) as counts_until
    from given
    inner join reaching on reaching.grant_id = given.grant_id
    inner join grants on grants.grant_id = given.grant_id
),

pairs as (
    select
        partner_id,
        asset_id,
        coalesce(
            bool_or(effect = 'allow' and has_download) filter (where counts_from <= $as_of), false
        ) as is_allowed,
        coalesce(
            bool_or(effect = 'deny' and (has_download or has_view)) filter (where counts_from <= $as_of), false
        ) as is_denied,
        min(case when counts_from > $as_of then counts_from else counts_until end) as next_change_at
    from meeting
    where counts_from < counts_until
    group by partner_id, asset_id
),

entitlements as (
    select
        pairs.partner_id,
        pairs.asset_id,
        pairs.is_allowed and not pairs.is_denied as may_download,
        pairs.is_allowed and not pairs.is_denied and partners.status is distinct from 'suspended' as entitled,
        nullif(pairs.next_change_at, 'infinity'::timestamptz) as next_change_at
    from pairs
    inner join partners on partners.partner_id = pairs.partner_id
)

select * from entitlements
