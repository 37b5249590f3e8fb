-- One row per access event and delivery up to as_of that was or is judged to be against the rules, then or now.
-- Grain: subject_type, subject_id
-- Refresh: by subject_type, subject_id
-- Spine: audit.verdicts
-- Follows: audit.first_verdicts
-- Changes at: audit.verdicts.occurred_at
-- Touched by: core.partners(partner_id) through marts.entitlement_violations
-- Touched by: core.assets(asset_id) through marts.entitlement_violations
-- docs/domain.md, 8: against the rules is an entitlement that is not ok, or a timing outside the version's life (an
-- unknown version is no violation). then is as known when we first had it, now with all that is known; says is the
-- judgment of now in words. A denied attempt is judged like an access, and counted as none.
with verdicts as (select * from audit.verdicts where occurred_at <= $as_of),

first_verdicts as (select * from audit.first_verdicts),

partners as (select * from core.partners),

assets as (select * from core.assets),

compared as (
    select
        verdicts.*,
        first_verdicts.entitlement_then,
        first_verdicts.timing_then,
        first_verdicts.known_at as first_judged_at,
        verdicts.entitlement_now <> 'ok' as is_unentitled_now,
        verdicts.timing_now not in ('live', 'version_unknown') as is_untimely_now,
        coalesce(first_verdicts.entitlement_then <> 'ok', false) as is_unentitled_then,
        coalesce(first_verdicts.timing_then not in ('live', 'version_unknown'), false) as is_untimely_then
    from verdicts
    left join first_verdicts
        on first_verdicts.subject_type = verdicts.subject_type
        and first_verdicts.subject_id = verdicts.subject_id
),

violations as (
    select
        compared.subject_type,
        compared.subject_id,
        compared.occurred_at,
        compared.partner_id,
        partners.name as partner_name,
        partners.region,
        partners.tier,
        compared.asset_id,
        assets.title as asset_title,
        assets.classification,
        assets.brand,
        compared.version_no,
        compared.event_kind,
        compared.channel_or_vector,
        compared.event_kind = 'denied' as is_denied_attempt,
        compared.is_counted_as_access,
        compared.entitlement_then,
        compared.timing_then,
        compared.entitlement_now,
        compared.timing_now,
        compared.is_unentitled_then or compared.is_untimely_then as is_violation_then,
        compared.is_unentitled_now or compared.is_untimely_now as is_violation_now,
        concat_ws(
            '; ',
            case compared.entitlement_now
                when 'unknown_identity' then 'nobody can say which partner this was'
                when 'barred' then 'the version is barred for this partner'
                when 'explicit_deny' then 'a grant denied it'
                when 'no_grant' then 'no grant allowed it'
            end,
            case compared.timing_now
                when 'obsolete_withdrawn' then 'the version was already withdrawn'
                when 'obsolete_expired' then 'the version had already expired'
                when 'obsolete_superseded' then 'the version was already superseded'
                when 'embargo' then 'the version was not yet effective'
                when 'never_effective' then 'the version never became effective'
            end,
            case
                when not compared.is_unentitled_now and not compared.is_untimely_now
                    then 'as known now, nothing was wrong'
            end
        ) as says,
        compared.first_judged_at
    from compared
    left join partners on partners.partner_id = compared.partner_id
    left join assets on assets.asset_id = compared.asset_id
    where compared.is_unentitled_now
        or compared.is_untimely_now
        or compared.is_unentitled_then
        or compared.is_untimely_then
)

select * from violations
