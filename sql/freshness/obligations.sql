-- One row per obligation: what a notice that was sent or due asks of a partner, and how that stands at as_of.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obligation_notices, freshness.audiences
-- Keyed in: core.decisions(partner_id = partner_id)
-- Changes at: freshness.answers.occurred_at, freshness.answers.revoked_at
-- Published with: as_of, data_late of obligation
-- docs/domain.md, 7: the first state that matches. due_at and all before it are null where nothing was posted (unsent);
-- responded_at and ack_id are of the earliest valid answer that counts, else of the exception or refusal that gave the
-- state, ack_class is its class; void_* the first ground, told apart from the state because an answer may come before it. next_change_at is the next instant at which the clock alone can
-- change the row.
with sent as (select * from freshness.obligation_notices),

audiences as (select * from freshness.audiences),

obligation_answers as (select * from freshness.obligation_answers),

answers as (
    select * from freshness.answers
    where kind in ('received', 'read', 'accepted', 'completed')
        and version_no is not null
        and occurred_at <= $as_of
        and (revoked_at is null or revoked_at > $as_of)
),

partners as (select * from core.partners),

assets as (select * from core.assets),

versions as (select * from core.asset_versions),

lives as (select * from freshness.version_lives),

exemptions as (
    select
        *,
        coalesce(valid_from, '-infinity'::timestamptz) as holds_from,
        coalesce(valid_to, 'infinity'::timestamptz) as holds_until
    from core.decisions
    where kind = 'exempt' and partner_id is not null
),

asked as (
    select
        coalesce(sent.partner_id, audiences.partner_id) as partner_id,
        coalesce(sent.asset_id, audiences.asset_id) as asset_id,
        coalesce(sent.version_no, audiences.version_no) as version_no,
        coalesce(sent.kind, audiences.kind) as kind,
        sent.sent_at,
        sent.due_at,
        sent.notices,
        sent.first_notice_id,
        sent.retracted_at,
        sent.next_change_at as notices_next_change_at,
        audiences.notice_due_at,
        audiences.is_joiner
    from sent
    full join audiences
        on audiences.partner_id = sent.partner_id
        and audiences.asset_id = sent.asset_id
        and audiences.version_no = sent.version_no
        and audiences.kind = sent.kind
),

grounds as (
    select
        asked.*,
        partners.region,
        partners.zone,
        partners.gone_from,
        assets.deleted_at,
        case
            when asked.kind in ('publish', 'version_change')
                and is_barred_region(versions.restricted_regions, partners.region) then '-infinity'::timestamptz
        end as barred_from,
        obligation_answers.* exclude (partner_id, asset_id, version_no, kind, next_change_at),
        obligation_answers.next_change_at as answers_next_change_at
    from asked
    left join partners on partners.partner_id = asked.partner_id
    left join assets on assets.asset_id = asked.asset_id
    left join versions
        on versions.asset_id = asked.asset_id
        and versions.version_no = asked.version_no
    left join obligation_answers
        on obligation_answers.partner_id = asked.partner_id
        and obligation_answers.asset_id = asked.asset_id
        and obligation_answers.version_no = asked.version_no
        and obligation_answers.kind = asked.kind
),

voidable as (
    select
        *,
        least(
            barred_from,
            retracted_at,
            case when gone_from <= $as_of then gone_from end,
            case when deleted_at <= $as_of then deleted_at end
        ) as void_from
    from grounds
),

answered as (
    select
        *,
        case
            when void_from = barred_from then 'barred'
            when void_from = retracted_at then 'retracted'
            when void_from = gone_from then 'partner_left'
            when void_from = deleted_at then 'asset_deleted'
        end as void_reason,
        answered_at is not null and (void_from is null or void_from >= answered_at) as is_acknowledged
    from voidable
),

open_changes as (
    select partner_id, asset_id, version_no, kind, region, zone, sent_at
    from answered
    where sent_at is not null and not is_acknowledged and void_from is null and kind in ('publish', 'version_change')
),

lives_begun as (
    select region, zone, asset_id, version_no, min(effective_at) as effective_at
    from lives
    group by region, zone, asset_id, version_no
),

answered_versions as (
    select partner_id, asset_id, version_no, ack_id, occurred_at from answers
    union all
    select answers.partner_id, answers.asset_id, equal_files.version_no, answers.ack_id, answers.occurred_at
    from answers
    inner join versions as named
        on named.asset_id = answers.asset_id
        and named.version_no = answers.version_no
    inner join versions as equal_files
        on equal_files.asset_id = named.asset_id
        and equal_files.checksum_sha256 = named.checksum_sha256
        and equal_files.version_no <> named.version_no
),

closed as (
    select
        open_changes.partner_id,
        open_changes.asset_id,
        open_changes.version_no,
        open_changes.kind,
        arg_min(answered_versions.ack_id, (answered_versions.occurred_at, answered_versions.ack_id)) as ack_id,
        arg_min(
            answered_versions.version_no,
            (answered_versions.occurred_at, answered_versions.ack_id, answered_versions.version_no)
        ) as closed_by_version_no
    from open_changes
    inner join answered_versions
        on answered_versions.partner_id = open_changes.partner_id
        and answered_versions.asset_id = open_changes.asset_id
        and answered_versions.version_no > open_changes.version_no
        and answered_versions.occurred_at >= open_changes.sent_at
    inner join lives_begun
        on lives_begun.region = open_changes.region
        and lives_begun.zone = open_changes.zone
        and lives_begun.asset_id = open_changes.asset_id
        and lives_begun.version_no = answered_versions.version_no
        and lives_begun.effective_at <= answered_versions.occurred_at
    group by open_changes.partner_id, open_changes.asset_id, open_changes.version_no, open_changes.kind
),

exempted as (
    select
        asked.partner_id,
        asked.asset_id,
        asked.version_no,
        asked.kind,
        bool_or(exemptions.holds_from <= $as_of and exemptions.holds_until > $as_of) as is_exempt,
        min(
            case
                when exemptions.holds_from > $as_of then exemptions.holds_from
                when exemptions.holds_until > $as_of and exemptions.holds_until < 'infinity'::timestamptz
                    then exemptions.holds_until
            end
        ) as next_change_at
    from asked
    inner join exemptions
        on exemptions.partner_id = asked.partner_id
        and (exemptions.asset_id is null or exemptions.asset_id = asked.asset_id)
        and (exemptions.version_no is null or exemptions.version_no = asked.version_no)
    group by asked.partner_id, asked.asset_id, asked.version_no, asked.kind
),

judged as (
    select
        answered.*,
        closed.ack_id as closing_ack_id,
        closed.closed_by_version_no,
        exempted.next_change_at as exemption_next_change_at,
        case
            when answered.sent_at is null then 'unsent'
            when answered.is_acknowledged and answered.answered_at <= answered.due_at then 'acknowledged'
            when answered.is_acknowledged then 'acknowledged_late'
            when answered.void_from is not null then 'void'
            when closed.ack_id is not null then 'closed_by_later'
            when exempted.is_exempt then 'exempt'
            when answered.exception_ack_id is not null then 'exception_requested'
            when answered.declined_ack_id is not null then 'declined'
            when answered.due_at < $as_of then 'overdue'
            else 'pending'
        end as state
    from answered
    left join closed
        on closed.partner_id = answered.partner_id
        and closed.asset_id = answered.asset_id
        and closed.version_no = answered.version_no
        and closed.kind = answered.kind
    left join exempted
        on exempted.partner_id = answered.partner_id
        and exempted.asset_id = answered.asset_id
        and exempted.version_no = answered.version_no
        and exempted.kind = answered.kind
),

obligations as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        state,
        sent_at,
        due_at,
        case
            when state = 'exception_requested' then exception_at
            when state = 'declined' then declined_at
            else answered_at
        end as responded_at,
        case
            when state = 'exception_requested' then exception_ack_id
            when state = 'declined' then declined_ack_id
            else answered_ack_id
        end as ack_id,
        case
            when state in ('exception_requested', 'declined') then 'response_only'
            when answered_ack_id is null then null
            when answered_ack_id <> first_valid_ack_id then 'repeated'
            when answered_at < sent_at then 'early_valid'
            when answered_at > due_at then 'late'
            else 'on_time'
        end as ack_class,
        kind in ('publish', 'version_change')
        and coalesce(valid_answers > 0 and not is_answered_with_bytes, false) as acked_without_bytes,
        first_valid_ack_id,
        coalesce(valid_answers, 0) as valid_answers,
        coalesce(notices, 0) as notices,
        first_notice_id,
        retracted_at,
        notice_due_at,
        coalesce(is_joiner, false) as is_joiner,
        void_from,
        void_reason,
        closed_by_version_no,
        closing_ack_id as closed_by_ack_id,
        least(
            notices_next_change_at,
            answers_next_change_at,
            exemption_next_change_at,
            case when state = 'pending' then due_at + interval 1 microsecond end,
            case when gone_from > $as_of then gone_from end,
            case when deleted_at > $as_of then deleted_at end
        ) as next_change_at
    from judged
)

select * from obligations
