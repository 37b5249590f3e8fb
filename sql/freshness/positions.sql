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

targets as (select * from lives where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)),

boundaries as (
    select
        region,
        zone,
        asset_id,
        min(case when effective_at > $as_of then effective_at else ended_at end) as next_change_at
    from lives
    where effective_at > $as_of or ended_at > $as_of
    group by region, zone, asset_id
),

pairs as (
    select partner_id, asset_id from holdings
    union
    select partner_id, asset_id from entitlements where entitled or next_change_at is not null
),

placed as (
    select
        pairs.partner_id,
        pairs.asset_id,
        partners.region,
        partners.zone,
        assets.deleted_at,
        coalesce(grace.seconds, standard_grace.seconds) as grace_seconds,
        targets.version_no as target_version_no,
        targets.effective_at as target_effective_at,
        coalesce(entitlements.entitled, false) as entitled,
        holdings.partner_id is not null as has_ever_obtained,
        coalesce(holdings.holds_anything, false) as holds_anything,
        coalesce(holdings.held_versions, []) as held_versions,
        coalesce(holdings.holds_unknown, false) as holds_unknown,
        holdings.last_version_no,
        holdings.last_obtained_at,
        least(
            boundaries.next_change_at,
            entitlements.next_change_at,
            obtained_later.next_change_at,
            removals_later.next_change_at,
            case when assets.deleted_at > $as_of then assets.deleted_at end
        ) as next_change_at
    from pairs
    inner join partners on partners.partner_id = pairs.partner_id
    inner join assets on assets.asset_id = pairs.asset_id
    left join grace on grace.classification = assets.classification
    left join grace as standard_grace on standard_grace.classification = 'standard'
    left join targets
        on targets.region = partners.region
        and targets.zone = partners.zone
        and targets.asset_id = pairs.asset_id
    left join boundaries
        on boundaries.region = partners.region
        and boundaries.zone = partners.zone
        and boundaries.asset_id = pairs.asset_id
    left join entitlements
        on entitlements.partner_id = pairs.partner_id
        and entitlements.asset_id = pairs.asset_id
    left join holdings
        on holdings.partner_id = pairs.partner_id
        and holdings.asset_id = pairs.asset_id
    left join obtained_later
        on obtained_later.partner_id = pairs.partner_id
        and obtained_later.asset_id = pairs.asset_id
    left join removals_later
        on removals_later.partner_id = pairs.partner_id
        and removals_later.asset_id = pairs.asset_id
),

held as (
    select
        placed.partner_id,
        placed.asset_id,
        terms.version_no,
        placed.target_version_no,
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
    from held_copies
    inner join placed
        on placed.partner_id = held_copies.partner_id
        and placed.asset_id = held_copies.asset_id
    inner join terms
        on terms.region = placed.region
        and terms.zone = placed.zone
        and terms.asset_id = held_copies.asset_id
        and terms.version_no = held_copies.version_no
),

flags as (
    select
        partner_id,
        asset_id,
        bool_or(version_no = target_version_no) as holds_target,
        bool_or(version_no < target_version_no) as holds_older,
        bool_or(is_withdrawn) as holds_withdrawn,
        bool_or(is_expired) as holds_expired,
        bool_or(is_barred) as holds_barred,
        bool_or(is_unapproved) as holds_unapproved,
        bool_or(is_not_yet_effective) as holds_not_yet_effective,
        bool_or(is_withdrawn and version_no > target_version_no) as holds_newer_withdrawn,
        bool_or(is_barred and version_no > target_version_no) as holds_newer_barred,
        bool_or(is_unapproved and version_no > target_version_no) as holds_newer_unapproved,
        min(next_change_at) as next_change_at
    from held
    group by partner_id, asset_id
),

judged as (
    select
        placed.*,
        placed.target_version_no is not null as has_target,
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
        placed.target_effective_at + to_seconds(placed.grace_seconds) as grace_until,
        flags.next_change_at as held_next_change_at
    from placed
    left join flags
        on flags.partner_id = placed.partner_id
        and flags.asset_id = placed.asset_id
    where placed.entitled or placed.has_ever_obtained
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
            marked.held_next_change_at,
            case when marked.grace_until > $as_of then marked.grace_until end
        ) as next_change_at
    from marked
    left join evidence
        on evidence.partner_id = marked.partner_id
        and evidence.asset_id = marked.asset_id
        and evidence.version_no = coalesce(marked.target_version_no, marked.last_version_no)
)

select * from positions
