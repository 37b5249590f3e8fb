-- One row per sent obligation that anything answers or refuses: which acknowledgment counts, and when it came.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Only with: freshness.obligation_notices(partner_id, asset_id)
-- Spine: freshness.obligation_notices
-- Changes at: freshness.answers.occurred_at, freshness.answers.revoked_at
-- docs/domain.md, 7. first_valid_* is the answer that keeps its class, answered_* the earliest valid answer
-- that counts: towards a removal only while nothing of that version was obtained after it. An answer about one of two
-- versions with equal checksums counts for the other. Classes are freshness.acknowledgment_classes.
with sent as (select * from freshness.obligation_notices),

answers as (
    select * from freshness.answers
    where kind in ('received', 'read', 'accepted', 'completed', 'declined', 'exception')
),

versions as (select * from core.asset_versions),

versions_obtained as (select * from freshness.versions_obtained),

equal_files as (
    select named.asset_id, named.version_no as named_version_no, versions.version_no
    from versions as named
    inner join versions
        on versions.asset_id = named.asset_id
        and versions.checksum_sha256 = named.checksum_sha256
        and versions.version_no <> named.version_no
),

naming as (
    select partner_id, asset_id, version_no, ack_id, kind, occurred_at, revoked_at
    from answers
    where version_no is not null
    union all
    select
        answers.partner_id,
        answers.asset_id,
        equal_files.version_no,
        answers.ack_id,
        answers.kind,
        answers.occurred_at,
        answers.revoked_at
    from answers
    inner join equal_files
        on equal_files.asset_id = answers.asset_id
        and equal_files.named_version_no = answers.version_no
),

removals_sent as (
    select
        sent.*,
        coalesce(
            case when sent.kind = 'withdrawal' then versions.withdrawn_from else versions.expires_at end, sent.sent_at
        ) as answerable_from
    from sent
    left join versions
        on versions.asset_id = sent.asset_id
        and versions.version_no = sent.version_no
    where sent.kind in ('withdrawal', 'expiry')
),

towards as (
    select
        sent.partner_id,
        sent.asset_id,
        sent.version_no,
        sent.kind,
        sent.sent_at,
        naming.kind as ack_kind,
        naming.ack_id,
        naming.occurred_at,
        naming.revoked_at
    from naming
    inner join sent
        on sent.partner_id = naming.partner_id
        and sent.asset_id = naming.asset_id
        and sent.version_no = naming.version_no
    where sent.kind in ('publish', 'version_change') or naming.kind in ('declined', 'exception')
    union all
    select
        removals_sent.partner_id,
        removals_sent.asset_id,
        removals_sent.version_no,
        removals_sent.kind,
        removals_sent.sent_at,
        answers.kind as ack_kind,
        answers.ack_id,
        answers.occurred_at,
        answers.revoked_at
    from answers
    inner join removals_sent
        on removals_sent.partner_id = answers.partner_id
        and removals_sent.asset_id = answers.asset_id
        and removals_sent.answerable_from <= answers.occurred_at
    where answers.kind = 'completed'
    union all
    select
        sent.partner_id,
        sent.asset_id,
        sent.version_no,
        sent.kind,
        sent.sent_at,
        answers.kind as ack_kind,
        answers.ack_id,
        answers.occurred_at,
        answers.revoked_at
    from answers
    inner join sent
        on sent.partner_id = answers.partner_id
        and sent.asset_id = answers.asset_id
    where answers.version_no is null and answers.kind in ('declined', 'exception')
),

weighed as (
    select
        towards.*,
        versions_obtained.first_obtained_at,
        versions_obtained.next_change_at as obtained_next_at,
        towards.occurred_at <= $as_of and (towards.revoked_at is null or towards.revoked_at > $as_of) as stands,
        towards.ack_kind in ('declined', 'exception') as is_refusal,
        towards.kind in ('publish', 'version_change')
        or versions_obtained.last_obtained_at is null
        or versions_obtained.last_obtained_at <= towards.occurred_at as counts
    from towards
    left join versions_obtained
        on versions_obtained.partner_id = towards.partner_id
        and versions_obtained.asset_id = towards.asset_id
        and versions_obtained.version_no = towards.version_no
),

folded as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        min(occurred_at) filter (where stands and not is_refusal) as first_valid_at,
        arg_min(ack_id, (occurred_at, ack_id)) filter (where stands and not is_refusal) as first_valid_ack_id,
        count(*) filter (where stands and not is_refusal) as valid_answers,
        min(occurred_at) filter (where stands and not is_refusal and counts) as answered_at,
        arg_min(ack_id, (occurred_at, ack_id)) filter (where stands and not is_refusal and counts) as answered_ack_id,
        coalesce(
            bool_or(occurred_at >= first_obtained_at) filter (where stands and not is_refusal), false
        ) as is_answered_with_bytes,
        arg_min(ack_id, (occurred_at, ack_id)) filter (
            where stands and ack_kind = 'exception' and occurred_at >= sent_at
        ) as exception_ack_id,
        min(occurred_at) filter (
            where stands and ack_kind = 'exception' and occurred_at >= sent_at
        ) as exception_at,
        arg_min(ack_id, (occurred_at, ack_id)) filter (
            where stands and ack_kind = 'declined' and occurred_at >= sent_at
        ) as declined_ack_id,
        min(occurred_at) filter (where stands and ack_kind = 'declined' and occurred_at >= sent_at) as declined_at,
        least(
            min(case when occurred_at > $as_of then occurred_at when revoked_at > $as_of then revoked_at end),
            min(obtained_next_at)
        ) as next_change_at
    from weighed
    group by partner_id, asset_id, version_no, kind
)

select * from folded
