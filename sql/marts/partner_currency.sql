-- One row per partner: how much of what it holds is the version it should hold.
-- Grain: partner_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/domain.md, K5: pairs current over pairs that hold something and have a target; pairs of unknown version stand in a
-- bar of their own. A partner of whom nothing counts has no rate, not 0.
with positions as (select * from freshness.positions),

partners as (select * from core.partners),

counted as (
    select
        partner_id,
        count(*) as pairs,
        count(*) filter (where position = 'current') as pairs_current,
        count(*) filter (where position = 'stale_in_grace') as pairs_stale_in_grace,
        count(*) filter (where position = 'stale_overdue') as pairs_stale_overdue,
        count(*) filter (where position = 'regressed') as pairs_regressed,
        count(*) filter (where position in ('withdrawn_held', 'expired_held')) as pairs_withdrawn_or_expired,
        count(*) filter (where position in ('barred_held', 'unapproved_held')) as pairs_barred_or_unapproved,
        count(*) filter (where position = 'ahead') as pairs_ahead,
        count(*) filter (where position = 'unknown_version') as pairs_unknown_version,
        count(*) filter (where position = 'never_held') as pairs_never_held,
        count(*) filter (where is_outdated) as pairs_outdated,
        count(*) filter (where is_exposed) as pairs_exposed,
        count(*) filter (where len(held_versions) > 0 and target_version_no is not null) as pairs_with_target,
        min(target_effective_at) filter (where is_outdated) as outdated_since
    from positions
    group by partner_id
),

currency as (
    select
        partners.partner_id,
        partners.name as partner_name,
        partners.region,
        partners.tier,
        partners.status,
        counted.* exclude (partner_id),
        case when counted.pairs_with_target > 0 then counted.pairs_current / counted.pairs_with_target end as currency_rate
    from counted
    inner join partners on partners.partner_id = counted.partner_id
)

select * from currency
