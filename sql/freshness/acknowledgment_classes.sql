-- One row per acknowledgment made by as_of and sent obligation that it is about; one without an obligation if about none.
-- Grain: ack_id, obligation_key
-- Refresh: by ack_id
-- Spine: core.acknowledgments
-- Touched by: freshness.obligations(partner_id, asset_id) through freshness.answers
-- Touched by: core.asset_versions(asset_id) through core.acknowledgments
-- Changes at: core.acknowledgments.occurred_at, freshness.answers.occurred_at, freshness.answers.revoked_at
-- docs/domain.md, 7: the first class that matches. obligation_key is partner, asset, version and kind in one text, empty
-- where unsolicited; partner_id is whose obligation it is, which may be a child of who acknowledged.
with acknowledgments as (select * from core.acknowledgments where occurred_at <= $as_of),

answers as (select * from freshness.answers where occurred_at <= $as_of),

obligations as (select * from freshness.obligations where sent_at is not null),

versions as (select * from core.asset_versions),

towards as (
    select
        answers.ack_id,
        obligations.partner_id,
        obligations.asset_id,
        obligations.version_no,
        obligations.kind,
        answers.said_by_partner_id,
        answers.kind as ack_kind,
        answers.occurred_at,
        answers.version_no as named_version_no,
        obligations.kind in ('withdrawal', 'expiry') as is_removal,
        answers.version_no = obligations.version_no
        or coalesce(named.checksum_sha256 = versions.checksum_sha256, false) as is_of_the_version,
        coalesce(answers.revoked_at <= $as_of, false) as is_revoked,
        coalesce(
            case obligations.kind when 'withdrawal' then versions.withdrawn_from when 'expiry' then versions.expires_at end,
            obligations.sent_at
        ) as answerable_from,
        obligations.sent_at,
        obligations.due_at,
        obligations.first_valid_ack_id
    from answers
    inner join obligations
        on obligations.partner_id = answers.partner_id
        and obligations.asset_id = answers.asset_id
    left join versions
        on versions.asset_id = obligations.asset_id
        and versions.version_no = obligations.version_no
    left join versions as named
        on named.asset_id = answers.asset_id
        and named.version_no = answers.version_no
),

classed as (
    select
        ack_id,
        partner_id || '|' || asset_id || '|' || version_no::varchar || '|' || kind as obligation_key,
        partner_id,
        asset_id,
        version_no,
        kind,
        case
            when is_revoked then 'revoked'
            when ack_kind not in ('received', 'read', 'accepted', 'completed', 'auto', 'proxy') then 'response_only'
            when is_removal and ack_kind not in ('completed', 'auto', 'proxy') then 'response_only'
            when named_version_no is null and not (is_removal and ack_kind = 'completed') then 'unresolved_version'
            when not is_removal and not is_of_the_version and named_version_no < version_no then 'wrong_version_older'
            when not is_removal and not is_of_the_version then 'later_version'
            when ack_kind = 'auto' then 'receipt_only'
            when ack_kind = 'proxy' then 'proxy'
            when is_removal and occurred_at < answerable_from then 'too_early'
            when ack_id <> first_valid_ack_id then 'repeated'
            when occurred_at < sent_at then 'early_valid'
            when occurred_at > due_at then 'late'
            else 'on_time'
        end as class,
        said_by_partner_id,
        ack_kind,
        occurred_at
    from towards
),

solicited as (
    select answers.ack_id
    from answers
    semi join obligations
        on obligations.partner_id = answers.partner_id
        and obligations.asset_id = answers.asset_id
),

unsolicited as (
    select
        acknowledgments.ack_id,
        '' as obligation_key,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        null::varchar as kind,
        'unsolicited' as class,
        acknowledgments.partner_id as said_by_partner_id,
        acknowledgments.kind as ack_kind,
        acknowledgments.occurred_at
    from acknowledgments
    anti join solicited on solicited.ack_id = acknowledgments.ack_id
),

classes as (
    select * from classed
    union all
    select * from unsolicited
)

select * from classes
