-- One row per candidate notice that was ever decided about: the last decision, and why.
-- Grain: candidate_key
-- Refresh: full
-- After: ledger.actions
-- decision is docs/domain.md, 10: held_for_approval, digested, deferred, suppressed, failed, dead or sent; pending where it
-- is to be sent and has not been yet. What was digested went, or goes, with the others of its action (action_state says
-- which); a deferred one is looked at again, deferred_until at the latest. Earlier decisions stay in the journal. What is
-- sent or held by itself is decided by its action's entry, everything else by an entry of its own.
with own_entries as (select * from ledger.entries where kind = 'notice_decided'),

action_entries as (
    select * from ledger.entries
    where kind = 'action_decided' and json_extract_string(data, '$.decision') is not null
),

entries as (
    select
        source_id as candidate_key,
        seq,
        known_at,
        data,
        json_extract_string(data, '$.reason') as reason,
        json_extract_string(data, '$.rule') as rule,
        json_extract_string(data, '$.until') as until,
        json_extract_string(data, '$.action_key') as action_key,
        json_extract(data, '$.evidence') as evidence
    from own_entries
    union all
    select
        json_extract_string(data, '$.candidate_key') as candidate_key,
        seq,
        known_at,
        data,
        cast(null as varchar) as reason,
        json_extract_string(data, '$.reason') as rule,
        cast(null as varchar) as until,
        source_id as action_key,
        json_object(
            'position', json_extract(data, '$.evidence.position'), 'records', json_extract(data, '$.evidence.records')
        ) as evidence
    from action_entries
),

actions as (select * from sync.actions),

last_entries as (
    select * from entries
    qualify row_number() over (partition by candidate_key order by seq desc) = 1
),

decisions as (
    select
        last_entries.candidate_key,
        json_extract_string(last_entries.data, '$.partner_id') as partner_id,
        json_extract_string(last_entries.data, '$.asset_id') as asset_id,
        cast(json_extract_string(last_entries.data, '$.version_no') as integer) as version_no,
        json_extract_string(last_entries.data, '$.kind') as kind,
        json_extract_string(last_entries.data, '$.step') as step,
        case
            when actions.action_key is null then json_extract_string(last_entries.data, '$.decision')
            when json_extract_string(last_entries.data, '$.decision') = 'digested'
                and actions.state not in ('held_for_approval', 'suppressed', 'dead') then 'digested'
            when actions.state in ('leased', 'unknown') then 'pending'
            else actions.state
        end as decision,
        coalesce(actions.suppressed_because, last_entries.reason) as reason,
        last_entries.rule,
        as_instant(json_extract_string(last_entries.data, '$.notice_due_at')) as notice_due_at,
        as_instant(last_entries.until) as deferred_until,
        last_entries.known_at as decided_at,
        last_entries.evidence,
        actions.action_key,
        actions.state as action_state,
        actions.batch,
        actions.redirect_to
    from last_entries
    left join actions on actions.action_key = last_entries.action_key
)

select * from decisions
