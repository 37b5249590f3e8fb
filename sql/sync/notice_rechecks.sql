-- One row per notice action that was decided, is not sent, and is not to be sent as it stands.
-- Grain: action_key
-- Refresh: full
-- After: ledger.actions
-- The last look before sending (docs/notices.md): verdict suppress (with the reason), wait (the data is late, or a person
-- snoozed it), or found (Trading Grid has it already, under our own key). A digest, or the alert that escalates to an
-- owner, is given up as soon as one of its candidates is not to be told any more: the next turn makes it anew of the rest.
with actions as (
    select *
    from sync.actions
    where
        (operation = 'post_notice' or kind = 'escalation')
        and state in ('held_for_approval', 'pending', 'leased', 'unknown', 'failed')
),

decided_actions as (select * from ledger.entries where kind = 'action_decided'),

candidates as (select * from sync.notice_candidates),

notices as (select * from core.notices where external_key is not null),

partners as (select * from core.partners),

positions as (select * from freshness.positions),

version_terms as (select * from freshness.version_terms),

own_posts as (
    select external_key, min_by(notice_id, posted_at) as notice_id
    from notices
    group by external_key
),

collections as (
    select
        source_id as action_key,
        from_json(json_extract(data, '$.candidate_keys'), '["VARCHAR"]') as candidate_keys
    from decided_actions
    where json_extract(data, '$.candidate_keys') is not null
    qualify row_number() over (partition by source_id order by seq desc) = 1
),

items as (
    select action_key, unnest(candidate_keys) as candidate_key from collections
),

judged_items as (
    select
        items.action_key,
        case
            when candidates.candidate_key is null then 'no_longer_due'
            else candidates.suppression_reason
        end as reason
    from items
    inner join actions on actions.action_key = items.action_key
    left join candidates on candidates.candidate_key = items.candidate_key
),

collected as (
    select
        action_key,
        bool_or(reason is not null and reason not in ('data_late', 'snoozed')) as is_outdated,
        min(reason) filter (where reason in ('data_late', 'snoozed')) as waits_because
    from judged_items
    group by action_key
),

looks as (
    select
        actions.action_key,
        actions.kind,
        actions.version_no,
        own_posts.notice_id,
        collected.action_key is not null as is_collection,
        coalesce(collected.is_outdated, false) as is_outdated,
        collected.waits_because,
        candidates.candidate_key is not null as is_candidate,
        candidates.suppression_reason,
        partners.partner_id is null or (partners.gone_from is not null and partners.gone_from <= $as_of) as has_left,
        coalesce(version_terms.is_barred, false) as is_barred,
        positions.target_version_no
    from actions
    left join own_posts on own_posts.external_key = actions.action_key
    left join collected on collected.action_key = actions.action_key
    left join candidates on candidates.candidate_key = actions.candidate_key
    left join partners on partners.partner_id = actions.partner_id
    left join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = actions.asset_id
        and version_terms.version_no = actions.version_no
    left join positions
        on positions.partner_id = actions.partner_id
        and positions.asset_id = actions.asset_id
),

judged as (
    select
        action_key,
        case
            when notice_id is not null then 'found'
            when is_collection and is_outdated then 'suppress'
            when is_collection then 'wait'
            when suppression_reason in ('data_late', 'snoozed') then 'wait'
            else 'suppress'
        end as verdict,
        case
            when notice_id is not null then 'listed_by_trading_grid'
            when is_collection and is_outdated then 'made_anew_without_what_is_no_longer_due'
            when is_collection then waits_because
            when is_candidate then suppression_reason
            when has_left then 'partner_left'
            when kind in ('publish', 'version_change') and is_barred then 'barred'
            when kind in ('publish', 'version_change') and target_version_no > version_no then 'superseded_by_newer'
            else 'no_longer_due'
        end as reason,
        notice_id as remote_id
    from looks
    where notice_id is not null
        or (is_collection and (is_outdated or waits_because is not null))
        or (not is_collection and (not is_candidate or suppression_reason is not null))
)

select * from judged
