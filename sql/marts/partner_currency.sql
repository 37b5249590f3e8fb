-- One row per partner: how much of what it holds is the version it should hold.
-- Grain: partner_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/domain.md, K5: pairs current over pairs that hold something and have a target; pairs of unknown version stand in a
-- bar of their own. A partner of whom nothing counts has no rate, not 0.
with pairs as (select * from marts.counts_of_pairs),

partners as (select * from core.partners),

counted as (
    select
        partner_id,
        sum(pairs)::bigint as pairs,
        coalesce(sum(pairs) filter (where position = 'current'), 0)::bigint as pairs_current,
        coalesce(sum(pairs) filter (where position = 'stale_in_grace'), 0)::bigint as pairs_stale_in_grace,
        coalesce(sum(pairs) filter (where position = 'stale_overdue'), 0)::bigint as pairs_stale_overdue,
        coalesce(sum(pairs) filter (where position = 'regressed'), 0)::bigint as pairs_regressed,
        coalesce(sum(pairs) filter (where position in ('withdrawn_held', 'expired_held')), 0)::bigint
        as pairs_withdrawn_or_expired,
        coalesce(sum(pairs) filter (where position in ('barred_held', 'unapproved_held')), 0)::bigint
        as pairs_barred_or_unapproved,
        coalesce(sum(pairs) filter (where position = 'ahead'), 0)::bigint as pairs_ahead,
        coalesce(sum(pairs) filter (where position = 'unknown_version'), 0)::bigint as pairs_unknown_version,
        coalesce(sum(pairs) filter (where position = 'never_held'), 0)::bigint as pairs_never_held,
        coalesce(sum(pairs) filter (where is_outdated), 0)::bigint as pairs_outdated,
        coalesce(sum(pairs) filter (where is_exposed), 0)::bigint as pairs_exposed,
        coalesce(sum(pairs) filter (where has_both), 0)::bigint as pairs_with_target,
        min(outdated_since) filter (where is_outdated and isfinite(outdated_since)) as outdated_since
    from pairs
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
