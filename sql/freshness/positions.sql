-- One row per partner and asset that the partner is entitled to or has ever obtained: where it stands at as_of.
-- Grain: partner_id, asset_id
-- Refresh: by partner_id, asset_id
-- Spine: freshness.holdings, freshness.entitlements
-- Published with: as_of, data_late of position
-- docs/domain.md, 6: the first rule that matches gives the position, its number is kept. next_change_at is the next
-- instant at which the clock alone can change the row.
with partners as (select * from core.partners),

assets as (select * from core.assets),

grace as (select * from ops.grace),

entitlements as (select * from freshness.entitlements),

holdings as (select * from freshness.holdings),

held_copies as (select * from freshness.held_copies where version_no is not null),

terms as (select * from freshness.version_terms),

lives as (select * from freshness.version_lives),

obtained_later as (
    select partner_id, asset_id, min(obtained_at) as next_change_at
    from freshness.obtained
    where obtained_at > $as_of
    group by partner_id, asset_id
),

removals_later as (
    select
        partner_id,
        asset_id,
        min(case when attested_at > $as_of then attested_at else revoked_at end) as next_change_at
    from freshness.removals
    where attested_at > $as_of or revoked_at > $as_of
    group by partner_id, asset_id
),

evidence as (select * from freshness.evidence),

standing as (
    select
        region,
        zone,
        asset_id,
        max(version_no) filter (where effective_at <= $as_of) as target_version_no,
        max(effective_at) filter (where effective_at <= $as_of) as target_effective_at,
        min(case when effective_at > $as_of then effective_at else ended_at end) as next_change_at
    from lives
    where ended_at is null or ended_at > $as_of
    group by region, zone, asset_id
),

judged_versions as (
    select
        terms.region,
        terms.zone,
        terms.asset_id,
        terms.version_no,
        terms.version_no = standing.target_version_no as is_target,
        terms.version_no < standing.target_version_no as is_older,
        terms.version_no > standing.target_version_no as is_newer,
        coalesce(terms.withdrawn_from <= $as_of, false) as is_withdrawn,
        coalesce(terms.expires_at <= $as_of, false) as is_expired,
        terms.is_barred,
        terms.approval_status in ('pending', 'rejected') as is_unapproved,
        coalesce(
            terms.approval_status in ('approved', 'revoked')
            and not terms.is_barred
            and terms.effective_at > $as_of
            and (terms.withdrawn_from is null or terms.withdrawn_from > $as_of)
            and (terms.expires_at is null or terms.expires_at > $as_of),
            false
        ) as is_not_yet_effective,
        least(
            case when terms.withdrawn_from > $as_of then terms.withdrawn_from end,
            case when terms.expires_at > $as_of then terms.expires_at end,
            case when terms.effective_at > $as_of then terms.effective_at end
        ) as next_change_at
    from terms
    left join standing
        on standing.region = terms.region
        and standing.zone = terms.zone
        and standing.asset_id = terms.asset_id
),

copies as (
    select held_copies.partner_id, held_copies.asset_id, held_copies.version_no, partners.region, partners.zone
    from held_copies
    inner join partners on partners.partner_id = held_copies.partner_id
),

flags as (
    select
        copies.partner_id,
        copies.asset_id,
        bool_or(versions.is_target) as holds_target,
        bool_or(versions.is_older) as holds_older,
        bool_or(versions.is_withdrawn) as holds_withdrawn,
        bool_or(versions.is_expired) as holds_expired,
        bool_or(versions.is_barred) as holds_barred,
        bool_or(versions.is_unapproved) as holds_unapproved,
        bool_or(versions.is_not_yet_effective) as holds_not_yet_effective,
        bool_or(versions.is_withdrawn and versions.is_newer) as holds_newer_withdrawn,
        bool_or(versions.is_barred and versions.is_newer) as holds_newer_barred,
        bool_or(versions.is_unapproved and versions.is_newer) as holds_newer_unapproved,
        min(versions.next_change_at) as next_change_at
    from copies
    inner join judged_versions as versions
        on versions.region = copies.region
        and versions.zone = copies.zone
        and versions.asset_id = copies.asset_id
        and versions.version_no = copies.version_no
    group by copies.partner_id, copies.asset_id
),

pairs as (
    select
        coalesce(holdings.partner_id, entitlements.partner_id) as partner_id,
        coalesce(holdings.asset_id, entitlements.asset_id) as asset_id,
        coalesce(entitlements.entitled, false) as entitled,
        holdings.partner_id is not null as has_ever_obtained,
        coalesce(holdings.holds_anything, false) as holds_anything,
        coalesce(holdings.held_versions, []) as held_versions,
        coalesce(holdings.holds_unknown, false) as holds_unknown,
        holdings.last_version_no,
        holdings.last_obtained_at,
        entitlements.next_change_at
    from holdings
    full join entitlements
        on entitlements.partner_id = holdings.partner_id
        and entitlements.asset_id = holdings.asset_id
    where entitlements.entitled or holdings.partner_id is not null
),

judged as (
    select
        pairs.* exclude (next_change_at),
        assets.deleted_at,
        standing.target_version_no,
        standing.target_effective_at,
        standing.target_version_no is not null as has_target,
        coalesce(flags.holds_target, false) as holds_target,
        coalesce(flags.holds_older, false) as holds_older,
        coalesce(flags.holds_withdrawn, false) as holds_withdrawn,
        coalesce(flags.holds_expired, false) as holds_expired,
        coalesce(flags.holds_barred, false) as holds_barred,
        coalesce(flags.holds_unapproved, false) as holds_unapproved,
        coalesce(flags.holds_not_yet_effective, false) as holds_not_yet_effective,
        coalesce(flags.holds_newer_withdrawn, false) as holds_newer_withdrawn,
        coalesce(flags.holds_newer_barred, false) as holds_newer_barred,
        coalesce(flags.holds_newer_unapproved, false) as holds_newer_unapproved,
        standing.target_effective_at + to_seconds(coalesce(grace.seconds, standard_grace.seconds)) as grace_until,
        least(
            standing.next_change_at,
            pairs.next_change_at,
            obtained_later.next_change_at,
            removals_later.next_change_at,
            flags.next_change_at,
            case when assets.deleted_at > $as_of then assets.deleted_at end
        ) as next_change_at
    from pairs
    inner join partners on partners.partner_id = pairs.partner_id
    inner join assets on assets.asset_id = pairs.asset_id
    left join grace on grace.classification = assets.classification
    left join grace as standard_grace on standard_grace.classification = 'standard'
    left join standing
        on standing.region = partners.region
        and standing.zone = partners.zone
        and standing.asset_id = pairs.asset_id
    left join flags
        on flags.partner_id = pairs.partner_id
        and flags.asset_id = pairs.asset_id
    left join obtained_later
        on obtained_later.partner_id = pairs.partner_id
        and obtained_later.asset_id = pairs.asset_id
    left join removals_later
        on removals_later.partner_id = pairs.partner_id
        and removals_later.asset_id = pairs.asset_id
),

ruled as (
    select
        *,
        case
            when not has_ever_obtained and not has_target then 1
            when not has_ever_obtained then 2
            when not holds_anything then 3
            when len(held_versions) = 0 then 4
            when deleted_at <= $as_of then 5
            when not has_target and holds_withdrawn then 6
            when not has_target and holds_expired then 7
            when not has_target and holds_unapproved then 8
            when not has_target and holds_not_yet_effective then 9
            when not has_target then 10
            when holds_newer_withdrawn then 11
            when holds_newer_barred then 12
            when holds_target
                and last_obtained_at >= target_effective_at
                and last_version_no < target_version_no then 13
            when holds_target then 14
            when holds_not_yet_effective then 15
            when holds_newer_unapproved then 16
            when grace_until > $as_of then 17
            else 18
        end as position_rule
    from judged
),

named as (
    select
        *,
        [
            'nothing_to_hold', 'never_held', 'cleared', 'unknown_version', 'orphaned', 'withdrawn_held',
            'expired_held', 'unapproved_held', 'ahead', 'no_target', 'withdrawn_held', 'barred_held', 'regressed',
            'current', 'ahead', 'unapproved_held', 'stale_in_grace', 'stale_overdue'
        ][position_rule] as position
    from ruled
),

marked as (
    select
        *,
        position in ('stale_in_grace', 'stale_overdue', 'regressed', 'withdrawn_held', 'expired_held') as is_outdated
    from named
),

positions as (
    select
        marked.partner_id,
        marked.asset_id,
        marked.position,
        marked.position_rule,
        marked.target_version_no,
        marked.held_versions,
        marked.last_version_no,
        marked.last_obtained_at,
        marked.grace_until,
        case
            when marked.target_version_no is null and marked.last_obtained_at is null then null
            when marked.target_version_no is null and marked.last_version_no is null then 4
            else coalesce(evidence.evidence_rung, case when marked.entitled then 0 end)
        end as evidence_rung,
        marked.position = 'current' and marked.holds_older as residual_old_copy,
        marked.holds_withdrawn,
        marked.holds_expired,
        marked.holds_barred,
        marked.holds_unapproved,
        marked.holds_unknown,
        marked.entitled,
        marked.is_outdated,
        marked.is_outdated
        or marked.position in ('barred_held', 'unapproved_held')
        or marked.holds_withdrawn
        or marked.holds_barred as is_exposed,
        marked.target_effective_at,
        least(
            marked.next_change_at,
            case when marked.grace_until > $as_of then marked.grace_until end
        ) as next_change_at
    from marked
    left join evidence
        on evidence.partner_id = marked.partner_id
        and evidence.asset_id = marked.asset_id
        and evidence.version_no = coalesce(marked.target_version_no, marked.last_version_no)
)

select * from positions
