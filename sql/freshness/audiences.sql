-- One row per partner, asset, version and kind of notice that was due to the partner by as_of, whether posted or not.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Spine: freshness.access_rights, freshness.versions_obtained, freshness.obtained
-- Changes at: freshness.notice_occasions.notice_due_at, freshness.access_rights.holds_from
-- Changes at: freshness.obtained.obtained_at, freshness.removals.attested_at
-- docs/domain.md, 9 (P2, P4): publish goes to the entitled, version_change to them and to the holders of an older
-- version, withdrawal and expiry to the holders of that version; the audience is the set at the due instant, and whoever
-- becomes entitled while the version lives is a joiner then. A version that is barred for the partner has no life there,
-- so no occasion. Nothing that was due before the go-live is announced. reason: entitled, holder (only), or joiner.
with occasions as (select * from freshness.notice_occasions where notice_due_at <= $as_of),

settings as (select * from ops.notice_settings),

partners as (select * from core.partners),

rights as (select * from freshness.access_rights where to_obtain = 'ok' and holds_from <= $as_of),

obtained as (select * from freshness.obtained where version_no is not null and obtained_at <= $as_of),

versions_obtained as (select * from freshness.versions_obtained),

removals as (select * from freshness.removals where attested_at <= $as_of),

entitled as (
    select
        rights.partner_id,
        rights.asset_id,
        occasions.version_no,
        occasions.kind,
        occasions.notice_due_at as occasion_at,
        min(greatest(occasions.notice_due_at, rights.holds_from)) as notice_due_at
    from rights
    inner join partners
        on partners.partner_id = rights.partner_id
        and partners.status is distinct from 'suspended'
    inner join occasions
        on occasions.region = partners.region
        and occasions.zone = partners.zone
        and occasions.asset_id = rights.asset_id
        and occasions.notice_due_at < rights.holds_until
        and occasions.open_until > rights.holds_from
    where occasions.kind in ('publish', 'version_change')
    group by
        rights.partner_id,
        rights.asset_id,
        occasions.version_no,
        occasions.kind,
        occasions.notice_due_at
),

attested as (select distinct partner_id, asset_id from removals),

copies as (
    select
        partners.region,
        partners.zone,
        versions_obtained.partner_id,
        versions_obtained.asset_id,
        versions_obtained.version_no,
        versions_obtained.first_obtained_at as obtained_at
    from versions_obtained
    inner join partners on partners.partner_id = versions_obtained.partner_id
    anti join attested
        on attested.partner_id = versions_obtained.partner_id
        and attested.asset_id = versions_obtained.asset_id
    union all
    select distinct
        partners.region,
        partners.zone,
        obtained.partner_id,
        obtained.asset_id,
        obtained.version_no,
        obtained.obtained_at
    from obtained
    inner join partners on partners.partner_id = obtained.partner_id
    semi join attested
        on attested.partner_id = obtained.partner_id
        and attested.asset_id = obtained.asset_id
),

joined_late as (
    select entitled.*
    from entitled
    cross join settings
    where entitled.occasion_at < settings.notify_from and entitled.notice_due_at >= settings.notify_from
),

obtained_before as (
    select
        copies.partner_id,
        copies.asset_id,
        occasions.version_no,
        occasions.kind,
        occasions.notice_due_at as occasion_at,
        copies.version_no as copy_version_no,
        copies.obtained_at
    from copies
    cross join settings
    inner join occasions
        on occasions.region = copies.region
        and occasions.zone = copies.zone
        and occasions.asset_id = copies.asset_id
        and occasions.notice_due_at >= copies.obtained_at
    where occasions.notice_due_at >= settings.notify_from
        and (
            (occasions.kind = 'version_change' and copies.version_no < occasions.version_no)
            or (occasions.kind in ('withdrawal', 'expiry') and copies.version_no = occasions.version_no)
        )
    union all
    select
        joined_late.partner_id,
        joined_late.asset_id,
        joined_late.version_no,
        joined_late.kind,
        joined_late.occasion_at,
        copies.version_no as copy_version_no,
        copies.obtained_at
    from joined_late
    inner join copies
        on copies.partner_id = joined_late.partner_id
        and copies.asset_id = joined_late.asset_id
        and copies.version_no < joined_late.version_no
        and copies.obtained_at <= joined_late.occasion_at
    where joined_late.kind = 'version_change'
),

entitled_then as (select * from entitled where notice_due_at = occasion_at),

not_entitled as (
    select obtained_before.*
    from obtained_before
    anti join entitled_then
        on entitled_then.partner_id = obtained_before.partner_id
        and entitled_then.asset_id = obtained_before.asset_id
        and entitled_then.version_no = obtained_before.version_no
        and entitled_then.kind = obtained_before.kind
        and entitled_then.occasion_at = obtained_before.occasion_at
),

removed_before as (
    select distinct not_entitled.*
    from not_entitled
    inner join removals
        on removals.partner_id = not_entitled.partner_id
        and removals.asset_id = not_entitled.asset_id
        and removals.attested_at >= not_entitled.obtained_at
        and removals.attested_at <= not_entitled.occasion_at
    where (removals.revoked_at is null or removals.revoked_at > not_entitled.occasion_at)
        and removals.spares_version_no is distinct from not_entitled.copy_version_no
),

held_then as (
    select distinct
        not_entitled.partner_id,
        not_entitled.asset_id,
        not_entitled.version_no,
        not_entitled.kind,
        not_entitled.occasion_at
    from not_entitled
    anti join removed_before
        on removed_before.partner_id = not_entitled.partner_id
        and removed_before.asset_id = not_entitled.asset_id
        and removed_before.version_no = not_entitled.version_no
        and removed_before.kind = not_entitled.kind
        and removed_before.occasion_at = not_entitled.occasion_at
        and removed_before.copy_version_no = not_entitled.copy_version_no
        and removed_before.obtained_at = not_entitled.obtained_at
),

reached as (
    select
        entitled.partner_id,
        entitled.asset_id,
        entitled.version_no,
        entitled.kind,
        entitled.notice_due_at,
        case when entitled.notice_due_at > entitled.occasion_at then 'joiner' else 'entitled' end as reason
    from entitled
    anti join held_then
        on held_then.partner_id = entitled.partner_id
        and held_then.asset_id = entitled.asset_id
        and held_then.version_no = entitled.version_no
        and held_then.kind = entitled.kind
        and held_then.occasion_at = entitled.occasion_at
    union all
    select partner_id, asset_id, version_no, kind, occasion_at as notice_due_at, 'holder' as reason
    from held_then
),

due as (
    select reached.*
    from reached
    cross join settings
    where reached.notice_due_at >= settings.notify_from and reached.notice_due_at <= $as_of
),

audiences as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        min(notice_due_at) as notice_due_at,
        arg_min(reason, notice_due_at) as reason,
        arg_min(reason, notice_due_at) = 'joiner' as is_joiner
    from due
    group by partner_id, asset_id, version_no, kind
)

select * from audiences
