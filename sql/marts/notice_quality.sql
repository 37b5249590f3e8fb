-- One row per notice that a partner was sent, and per notice that was decided against: whether it served its purpose.
-- Grain: subject_type, subject_id
-- Refresh: by partner_id, asset_id
-- Spine: marts.notice_log, sync.notice_decisions
-- Changes at: marts.notice_log.sent_at, sync.notice_decisions.decided_at
-- Changes at: freshness.obtained.obtained_at, freshness.answers.occurred_at, freshness.answers.revoked_at
-- What K12 counts (docs/domain.md, 11). subject_type is notice (subject_id as in marts.notice_log) or candidate (a
-- suppressed one, as in sync.notice_decisions). Acted on: within 72 hours of the sending the partner obtained the
-- version (not towards a removal), or acknowledged the asset or that version in person, or its parent did for it; of a
-- version with an equal checksum counts as of that version (section 7). is_matured: those 72 hours are over.
with notices as (select * from marts.notice_log where sent_at <= $as_of and partner_id is not null),

decisions as (
    select * from sync.notice_decisions
    where decision = 'suppressed' and decided_at <= $as_of and partner_id is not null
),

obtained as (select * from freshness.obtained where version_no is not null and obtained_at <= $as_of),

answers as (
    select * from freshness.answers
    where occurred_at <= $as_of and (revoked_at is null or revoked_at > $as_of) and kind not in ('auto', 'proxy')
),

versions as (select * from core.asset_versions where checksum_sha256 is not null),

partners as (select * from core.partners),

assets as (select * from core.assets),

reactions as (
    select notices.notice_key, min(obtained.obtained_at) as acted_at
    from notices
    inner join obtained
        on obtained.partner_id = notices.partner_id
        and obtained.asset_id = notices.asset_id
        and obtained.version_no = notices.version_no
        and obtained.obtained_at >= notices.sent_at
        and obtained.obtained_at <= notices.sent_at + interval 72 hours
    where notices.kind not in ('withdrawal', 'expiry')
    group by notices.notice_key
    union all
    select notices.notice_key, min(answers.occurred_at) as acted_at
    from notices
    inner join answers
        on answers.partner_id = notices.partner_id
        and answers.asset_id = notices.asset_id
        and answers.occurred_at >= notices.sent_at
        and answers.occurred_at <= notices.sent_at + interval 72 hours
    left join versions as asked
        on asked.asset_id = notices.asset_id
        and asked.version_no = notices.version_no
    left join versions as named
        on named.asset_id = answers.asset_id
        and named.version_no = answers.version_no
    where answers.version_no is null
        or answers.version_no = notices.version_no
        or named.checksum_sha256 = asked.checksum_sha256
        or notices.kind in ('withdrawal', 'expiry')
    group by notices.notice_key
),

acted as (select notice_key, min(acted_at) as acted_at from reactions group by notice_key),

judged as (
    select
        'notice' as subject_type,
        notices.notice_key as subject_id,
        notices.partner_id,
        notices.asset_id,
        notices.version_no,
        notices.kind,
        notices.posted_by,
        notices.sent_at as happened_at,
        cast(null as varchar) as suppressed_because,
        acted.acted_at,
        notices.asset_id is not null as asks_for_something,
        notices.sent_at + interval 72 hours <= $as_of as is_matured,
        case
            when notices.sent_at + interval 72 hours > $as_of then notices.sent_at + interval 72 hours
        end as next_change_at
    from notices
    left join acted on acted.notice_key = notices.notice_key
    union all
    select
        'candidate' as subject_type,
        candidate_key as subject_id,
        partner_id,
        asset_id,
        version_no,
        kind,
        'vipgrid' as posted_by,
        decided_at as happened_at,
        case
            when reason in (
                'duplicate', 'snoozed', 'superseded_by_newer', 'data_late', 'no_contact', 'cap', 'not_entitled',
                'barred', 'partner_left'
            ) then reason
            else 'other'
        end as suppressed_because,
        cast(null as timestamptz) as acted_at,
        false as asks_for_something,
        false as is_matured,
        cast(null as timestamptz) as next_change_at
    from decisions
),

quality as (
    select
        judged.*,
        utc_week(judged.happened_at) as week,
        judged.posted_by = 'vipgrid' as is_ours,
        partners.region,
        partners.tier,
        assets.brand,
        assets.classification
    from judged
    left join partners on partners.partner_id = judged.partner_id
    left join assets on assets.asset_id = judged.asset_id
)

select * from quality
