-- One row per notice that is due to a partner, of whatever pattern, and what speaks against sending it, if anything.
-- Grain: candidate_key
-- Refresh: by partner_id, asset_id
-- Spine: sync.version_notices, sync.request_notices, sync.issue_notices, sync.rights_notices, sync.campaign_notices
-- Spine: sync.follow_ups
-- Touched by: core.decisions(candidate_key = subject) through sync.notice_candidates
-- Touched by: core.decisions(partner_id) through sync.notice_candidates
-- Touched by: core.identities(asset_id = source_id) through sync.notice_candidates
-- Touched by: core.identities(asset_id = target_id) through sync.notice_candidates
-- Touched by: ledger.entries(external_key = source_id) through core.notices
-- Changes at: sync.version_notices.notice_due_at, sync.request_notices.notice_due_at, sync.issue_notices.notice_due_at
-- Changes at: sync.rights_notices.notice_due_at, sync.campaign_notices.notice_due_at, sync.follow_ups.notice_due_at
-- Changes at: core.partners.gone_from, core.assets.deleted_at, core.notices.retracted_at
-- Changes at: core.decisions.valid_from, core.decisions.valid_to
-- Changes at: core.identities.holds_from, core.identities.holds_until
-- Changes at: freshness.version_lives.ended_at, freshness.version_terms.withdrawn_from
-- docs/domain.md, 9 and 10. notice_due_at is when the notice was due (the answer's due date is made when it is decided).
-- suppression_reason is null where it is to be sent, by the first match; caps, quiet hours and digests come after it, when
-- it is decided (docs/notices.md). A claim that is made past the watermarks is data_late: a version's notices rest on
-- positions, reminders and escalations on what has been answered as well. trading_grid_asset_id is null where this id
-- means another asset there, or nobody can say which: nothing is posted about an asset by guess.
with version_notices as (select * from sync.version_notices),

request_notices as (select * from sync.request_notices),

issue_notices as (select * from sync.issue_notices),

rights_notices as (select * from sync.rights_notices),

campaign_notices as (select * from sync.campaign_notices),

follow_ups as (select * from sync.follow_ups),

positions as (select * from freshness.positions),

held_copies as (select * from freshness.held_copies),

version_terms as (select * from freshness.version_terms),

version_lives as (select * from freshness.version_lives),

partners as (select * from core.partners),

partner_users as (select * from core.partner_users),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

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

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'asset' and holds_from <= $as_of and holds_until > $as_of
),

lateness as (
    select
        bool_or(is_late) filter (where claim = 'position') as is_position_late,
        bool_or(is_late) as is_answer_late
    from ops.late_claims
),

wanted as (
    select * from version_notices
    union all by name
    select * from request_notices
    union all by name
    select * from issue_notices
    union all by name
    select * from rights_notices
    union all by name
    select * from campaign_notices
    union all by name
    select * from follow_ups
),

due as (
    select
        wanted.*,
        concat_ws(
            '|',
            key_part(wanted.partner_id),
            key_part(wanted.asset_id),
            coalesce(cast(wanted.version_no as varchar), ''),
            wanted.kind,
            key_part(wanted.step)
        ) as candidate_key,
        wanted.kind in ('publish', 'version_change') as is_beginning,
        wanted.kind in ('withdrawal', 'expiry') as is_removal,
        wanted.kind in ('reminder', 'escalation') as is_follow_up,
        json_extract_string(wanted.said, '$.about_kind') as about_kind,
        partners.region,
        partners.zone,
        partners.gone_from is not null and partners.gone_from <= $as_of as has_left,
        assets.classification,
        assets.owner
    from wanted
    cross join settings
    inner join partners on partners.partner_id = wanted.partner_id
    left join assets on assets.asset_id = wanted.asset_id
    where wanted.notice_due_at <= $as_of
        and wanted.notice_due_at >= settings.notify_from
        and (wanted.asset_id is null or assets.asset_id is not null)
),

redirected as (
    select distinct source_id as external_key
    from decided_actions
    where json_extract_string(data, '$.redirect_to') is not null
),

posted as (
    select
        notices.partner_id,
        notices.asset_id,
        notices.version_no,
        notices.kind,
        max(notices.posted_at) as last_posted_at
    from notices
    left join redirected on redirected.external_key = notices.external_key
    where redirected.external_key is null and notices.asset_id is not null and notices.version_no is not null
    group by notices.partner_id, notices.asset_id, notices.version_no, notices.kind
),

snoozed as (
    select due.candidate_key
    from due
    inner join snoozes on snoozes.subject = due.candidate_key
    union
    select due.candidate_key
    from due
    inner join snoozes
        on snoozes.partner_id = due.partner_id
        and (snoozes.asset_id is null or snoozes.asset_id = due.asset_id)
        and (snoozes.version_no is null or snoozes.version_no = due.version_no)
),

without_contact as (
    select partner_id
    from partner_users
    where partner_id is not null
    group by partner_id
    having bool_and(status is not null and status <> 'active')
),

names_in_trading_grid as (
    select target_id as asset_id, min(source_id) as trading_grid_asset_id
    from identities
    where target_id is not null and target_id <> source_id
    group by target_id
),

names_of_others as (
    select distinct source_id as asset_id
    from identities
    where target_id is distinct from source_id
),

lives_ahead as (
    select distinct region, zone, asset_id, version_no
    from version_lives
    where ended_at is null or ended_at > $as_of
),

holders as (select distinct partner_id, asset_id from held_copies),

versions_held as (select distinct partner_id, asset_id, version_no from held_copies),

stated as (
    select
        due.*,
        positions.position,
        positions.target_version_no,
        coalesce(positions.entitled, false) as is_entitled,
        holders.partner_id is not null as is_holder,
        versions_held.partner_id is not null as holds_version,
        lives_ahead.version_no is not null as lives_or_will,
        coalesce(version_terms.is_barred, false) as is_barred,
        coalesce(version_terms.withdrawn_from <= $as_of, false) as is_withdrawn,
        posted.last_posted_at,
        snoozed.candidate_key is not null as is_snoozed,
        without_contact.partner_id is not null as has_no_contact,
        lateness.is_position_late,
        lateness.is_answer_late,
        case
            when names_in_trading_grid.asset_id is not null then names_in_trading_grid.trading_grid_asset_id
            when names_of_others.asset_id is null then due.asset_id
        end as trading_grid_asset_id
    from due
    cross join lateness
    left join positions
        on positions.partner_id = due.partner_id
        and positions.asset_id = due.asset_id
    left join holders
        on holders.partner_id = due.partner_id
        and holders.asset_id = due.asset_id
    left join versions_held
        on versions_held.partner_id = due.partner_id
        and versions_held.asset_id = due.asset_id
        and versions_held.version_no = due.version_no
    left join lives_ahead
        on lives_ahead.region = due.region
        and lives_ahead.zone = due.zone
        and lives_ahead.asset_id = due.asset_id
        and lives_ahead.version_no = due.version_no
    left join version_terms
        on version_terms.region = due.region
        and version_terms.zone = due.zone
        and version_terms.asset_id = due.asset_id
        and version_terms.version_no = due.version_no
    left join posted
        on posted.partner_id = due.partner_id
        and posted.asset_id = due.asset_id
        and posted.version_no = due.version_no
        and posted.kind = due.kind
    left join snoozed on snoozed.candidate_key = due.candidate_key
    left join without_contact on without_contact.partner_id = due.partner_id
    left join names_in_trading_grid on names_in_trading_grid.asset_id = due.asset_id
    left join names_of_others on names_of_others.asset_id = due.asset_id
),

candidates as (
    select
        candidate_key,
        partner_id,
        asset_id,
        version_no,
        kind,
        step,
        pattern,
        rule,
        notice_due_at,
        subject_type,
        subject_id,
        coalesce(is_urgent, false) as is_urgent,
        said,
        evidence,
        coalesce(classification, 'standard') as classification,
        owner,
        trading_grid_asset_id,
        zone,
        position,
        case
            when has_left then 'partner_left'
            when (is_beginning or is_removal) and last_posted_at is not null then 'duplicate'
            when kind = 'reminder' and last_posted_at >= notice_due_at then 'duplicate'
            when is_beginning and is_barred then 'barred'
            when (is_beginning or about_kind in ('publish', 'version_change'))
                and not lives_or_will and target_version_no > version_no then 'superseded_by_newer'
            when (is_beginning or about_kind in ('publish', 'version_change')) and not lives_or_will
                then 'no_longer_due'
            when (is_beginning or about_kind in ('publish', 'version_change'))
                and not is_entitled and not is_holder and rule <> 'obtained_this_safety_asset_before' then 'not_entitled'
            when is_removal and not holds_version then 'no_longer_due'
            when kind = 'expiry' and is_withdrawn then 'no_longer_due'
            when is_snoozed then 'snoozed'
            when has_no_contact and kind <> 'escalation' then 'no_contact'
            when is_follow_up and is_answer_late then 'data_late'
            when (is_beginning or is_removal) and is_position_late then 'data_late'
            when asset_id is not null and trading_grid_asset_id is null then 'unmatched_identity'
            when strlen(partner_id) + coalesce(strlen(asset_id), 0) > 1000 then 'ids_too_long'
        end as suppression_reason
    from stated
)

select * from candidates
