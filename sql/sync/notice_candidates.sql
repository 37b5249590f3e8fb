-- One row per notice that is due to a partner with an outdated holding, and what speaks against sending it, if anything.
-- Grain: partner_id, asset_id, version_no, kind, step
-- Refresh: full
-- docs/domain.md, 9 and 10. notice_due_at is when the notice was due (the answer's due date is made when it is decided).
-- A version_change is due to whoever holds something else than the target, a withdrawal and an expiry to whoever holds
-- that version, whether obtained before or after. suppression_reason is null where it is to be sent.
with positions as (select * from freshness.positions),

held_copies as (select * from freshness.held_copies where version_no is not null),

version_terms as (select * from freshness.version_terms),

version_lives as (select * from freshness.version_lives),

partners as (select * from core.partners),

partner_users as (select * from core.partner_users),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

asset_versions as (select * from core.asset_versions),

notices as (select * from core.notices where retracted_at is null or retracted_at > $as_of),

snoozes as (
    select *
    from core.decisions
    where
        kind = 'snooze'
        and (valid_from is null or valid_from <= $as_of)
        and (valid_to is null or valid_to > $as_of)
),

decided_actions as (select * from ledger.entries where kind = 'action_decided'),

settings as (select * from ops.notice_settings),

lateness as (select is_late from ops.data_late where claim = 'position'),

target_lives as (
    select *
    from version_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

coming_lives as (
    select
        version_lives.*,
        greatest(
            asset_versions.approved_at,
            version_lives.effective_at - to_seconds(settings.announce_before_seconds)
        ) as announced_at
    from version_lives
    cross join settings
    inner join asset_versions
        on asset_versions.asset_id = version_lives.asset_id
        and asset_versions.version_no = version_lives.version_no
    where version_lives.effective_at > $as_of and not version_lives.is_reinstated
),

changes_of_target as (
    select
        positions.partner_id,
        positions.asset_id,
        positions.target_version_no as version_no,
        'version_change' as kind,
        'holds_something_else_than_the_target' as rule,
        case
            when target_lives.is_reinstated then target_lives.effective_at
            else greatest(
                asset_versions.approved_at,
                target_lives.effective_at - to_seconds(settings.announce_before_seconds)
            )
        end as notice_due_at
    from positions
    cross join settings
    inner join partners on partners.partner_id = positions.partner_id
    inner join target_lives
        on target_lives.region = partners.region
        and target_lives.zone = partners.zone
        and target_lives.asset_id = positions.asset_id
        and target_lives.version_no = positions.target_version_no
    inner join asset_versions
        on asset_versions.asset_id = positions.asset_id
        and asset_versions.version_no = positions.target_version_no
    where positions.position in ('stale_in_grace', 'stale_overdue', 'regressed')
),

changes_to_come as (
    select
        positions.partner_id,
        positions.asset_id,
        coming_lives.version_no,
        'version_change' as kind,
        'holds_an_older_version_than_the_coming_one' as rule,
        coming_lives.announced_at as notice_due_at
    from positions
    inner join partners on partners.partner_id = positions.partner_id
    inner join coming_lives
        on coming_lives.region = partners.region
        and coming_lives.zone = partners.zone
        and coming_lives.asset_id = positions.asset_id
    where
        coming_lives.announced_at <= $as_of
        and len(list_filter(positions.held_versions, lambda held: held < coming_lives.version_no)) > 0
        and not list_contains(positions.held_versions, coming_lives.version_no)
),

holdings as (
    select
        held_copies.partner_id,
        held_copies.asset_id,
        held_copies.version_no,
        version_terms.withdrawn_from,
        version_terms.expires_at,
        version_terms.withdrawn_from is not null and version_terms.withdrawn_from <= $as_of as is_withdrawn
    from held_copies
    inner join partners on partners.partner_id = held_copies.partner_id
    inner join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = held_copies.asset_id
        and version_terms.version_no = held_copies.version_no
),

withdrawals as (
    select
        partner_id,
        asset_id,
        version_no,
        'withdrawal' as kind,
        'holds_a_withdrawn_version' as rule,
        withdrawn_from as notice_due_at
    from holdings
    where is_withdrawn
),

expiries as (
    select
        partner_id,
        asset_id,
        version_no,
        'expiry' as kind,
        'holds_an_expired_version' as rule,
        expires_at as notice_due_at
    from holdings
    where expires_at <= $as_of and not is_withdrawn
),

wanted as (
    select * from changes_of_target
    union all
    select * from changes_to_come
    union all
    select * from withdrawals
    union all
    select * from expiries
),

due as (
    select
        wanted.*,
        'initial' as step,
        replace(replace(wanted.partner_id, '\', '\\'), '|', '\|')
        || '|' || replace(replace(wanted.asset_id, '\', '\\'), '|', '\|')
        || '|' || wanted.version_no || '|' || wanted.kind || '|initial' as candidate_key,
        positions.position,
        partners.gone_from is not null and partners.gone_from <= $as_of as has_left
    from wanted
    cross join settings
    inner join assets on assets.asset_id = wanted.asset_id
    inner join partners on partners.partner_id = wanted.partner_id
    left join positions
        on positions.partner_id = wanted.partner_id
        and positions.asset_id = wanted.asset_id
    where wanted.notice_due_at <= $as_of and wanted.notice_due_at >= settings.notify_from
),

redirected as (
    select distinct source_id as external_key
    from decided_actions
    where json_extract_string(data, '$.redirect_to') is not null
),

posted as (
    select distinct notices.partner_id, notices.asset_id, notices.version_no, notices.kind
    from notices
    left join redirected on redirected.external_key = notices.external_key
    where redirected.external_key is null
),

snoozed as (
    select distinct due.candidate_key
    from due
    inner join snoozes
        on snoozes.subject = due.candidate_key
        or (
            snoozes.partner_id = due.partner_id
            and (snoozes.asset_id is null or snoozes.asset_id = due.asset_id)
            and (snoozes.version_no is null or snoozes.version_no = due.version_no)
        )
),

without_contact as (
    select partner_id
    from partner_users
    where partner_id is not null
    group by partner_id
    having bool_and(status is not null and status <> 'active')
),

candidates as (
    select
        due.candidate_key,
        due.partner_id,
        due.asset_id,
        cast(due.version_no as integer) as version_no,
        due.kind,
        due.step,
        'P4' as pattern,
        due.rule,
        due.notice_due_at,
        due.position,
        case
            when due.has_left then 'partner_left'
            when posted.partner_id is not null then 'duplicate'
            when snoozed.candidate_key is not null then 'snoozed'
            when without_contact.partner_id is not null then 'no_contact'
            when lateness.is_late then 'data_late'
        end as suppression_reason
    from due
    cross join lateness
    left join posted
        on posted.partner_id = due.partner_id
        and posted.asset_id = due.asset_id
        and posted.version_no = due.version_no
        and posted.kind = due.kind
    left join snoozed on snoozed.candidate_key = due.candidate_key
    left join without_contact on without_contact.partner_id = due.partner_id
)

select * from candidates
