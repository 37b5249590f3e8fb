-- One row per withdrawn version and partner that ever obtained it: did it hold it at the withdrawal, and what became of
-- that?
-- Grain: partner_id, asset_id, version_no
-- Refresh: by partner_id, asset_id
-- Only with: core.asset_versions(asset_id) where withdrawn_from is not null
-- Spine: freshness.obtained
-- Changes at: core.asset_versions.withdrawn_from, freshness.obtained.obtained_at
-- docs/domain.md, 11, K8; held, removed: section 6. was_holding: as of the withdrawal. removed_at: when it attested
-- that the last copy was gone; null while it holds one, also where it fetched it again. replaced_at: when it had a
-- later version, not before the withdrawal. notified_at: the withdrawal notice; responded_at: the first answer since
-- the withdrawal by a person, of any kind, not revoked (auto and proxy are none). is_silent: told, never answered,
-- still holds.
with versions as (select * from core.asset_versions where withdrawn_from <= $as_of),

obtained as (select * from freshness.obtained where version_no is not null),

removals as (select * from freshness.removals),

sent as (select * from freshness.obligation_notices where kind = 'withdrawal'),

answers as (
    select * from freshness.answers
    where kind not in ('auto', 'proxy') and (revoked_at is null or revoked_at > $as_of)
),

copies as (
    select
        obtained.partner_id,
        obtained.asset_id,
        obtained.version_no,
        versions.withdrawn_from,
        obtained.subject_type,
        obtained.subject_id,
        obtained.obtained_at
    from versions
    inner join obtained
        on obtained.asset_id = versions.asset_id
        and obtained.version_no = versions.version_no
    where obtained.obtained_at <= $as_of
),

removed as (
    select
        copies.subject_type,
        copies.subject_id,
        min(removals.attested_at) filter (
            where removals.attested_at <= $as_of and (removals.revoked_at is null or removals.revoked_at > $as_of)
        ) as removed_at,
        coalesce(
            bool_or(
                removals.attested_at <= copies.withdrawn_from
                and (removals.revoked_at is null or removals.revoked_at > copies.withdrawn_from)
            ),
            false
        ) as was_removed_before,
        min(case when removals.attested_at > $as_of then removals.attested_at else removals.revoked_at end) filter (
            where removals.attested_at > $as_of or removals.revoked_at > $as_of
        ) as next_change_at
    from copies
    inner join removals
        on removals.partner_id = copies.partner_id
        and removals.asset_id = copies.asset_id
        and removals.attested_at >= copies.obtained_at
        and removals.spares_version_no is distinct from copies.version_no
    group by copies.subject_type, copies.subject_id
),

partners_with_copies as (
    select
        copies.partner_id,
        copies.asset_id,
        copies.version_no,
        copies.withdrawn_from,
        min(copies.obtained_at) as first_obtained_at,
        max(copies.obtained_at) as last_obtained_at,
        bool_or(
            copies.obtained_at <= copies.withdrawn_from and not coalesce(removed.was_removed_before, false)
        ) as was_holding,
        bool_or(removed.removed_at is null) as is_holding,
        max(removed.removed_at) as last_removed_at,
        min(removed.next_change_at) as next_change_at
    from copies
    left join removed
        on removed.subject_type = copies.subject_type
        and removed.subject_id = copies.subject_id
    group by copies.partner_id, copies.asset_id, copies.version_no, copies.withdrawn_from
),

renewed as (
    select
        holders.partner_id,
        holders.asset_id,
        holders.version_no,
        min(obtained.obtained_at) filter (where obtained.obtained_at <= $as_of) as first_renewed_at,
        min(obtained.obtained_at) filter (where obtained.obtained_at > $as_of) as next_change_at
    from partners_with_copies as holders
    inner join obtained
        on obtained.partner_id = holders.partner_id
        and obtained.asset_id = holders.asset_id
        and obtained.version_no > holders.version_no
    group by holders.partner_id, holders.asset_id, holders.version_no
),

answered as (
    select
        holders.partner_id,
        holders.asset_id,
        holders.version_no,
        min(answers.occurred_at) filter (where answers.occurred_at <= $as_of) as responded_at,
        min(case when answers.occurred_at > $as_of then answers.occurred_at else answers.revoked_at end)
            as next_change_at
    from partners_with_copies as holders
    inner join answers
        on answers.partner_id = holders.partner_id
        and answers.asset_id = holders.asset_id
        and answers.occurred_at >= holders.withdrawn_from
    group by holders.partner_id, holders.asset_id, holders.version_no
),

joined as (
    select
        holders.partner_id,
        holders.asset_id,
        holders.version_no,
        holders.withdrawn_from as withdrawn_at,
        holders.was_holding,
        holders.is_holding,
        holders.first_obtained_at,
        holders.last_obtained_at,
        sent.sent_at as notified_at,
        answered.responded_at,
        case when not holders.is_holding then holders.last_removed_at end as removed_at,
        case
            when renewed.first_renewed_at is not null
                then greatest(renewed.first_renewed_at, holders.withdrawn_from)
        end as replaced_at,
        least(
            holders.next_change_at, renewed.next_change_at, answered.next_change_at, sent.next_change_at
        ) as next_change_at
    from partners_with_copies as holders
    left join sent
        on sent.partner_id = holders.partner_id
        and sent.asset_id = holders.asset_id
        and sent.version_no = holders.version_no
    left join renewed
        on renewed.partner_id = holders.partner_id
        and renewed.asset_id = holders.asset_id
        and renewed.version_no = holders.version_no
    left join answered
        on answered.partner_id = holders.partner_id
        and answered.asset_id = holders.asset_id
        and answered.version_no = holders.version_no
),

withdrawal_holders as (
    select
        * exclude (next_change_at),
        was_holding and notified_at is not null and responded_at is null and is_holding as is_silent,
        next_change_at
    from joined
)

select * from withdrawal_holders
