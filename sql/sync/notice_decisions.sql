-- One row per candidate notice that was ever decided about: the last decision, and why.
-- Grain: candidate_key
-- Refresh: full
-- After: ledger.actions
-- decision is docs/domain.md, 10: held_for_approval, digested, deferred, suppressed, failed, dead or sent; pending where it
-- is to be sent and has not been yet. What was digested went, or goes, with the others of its action (action_state says
-- which); a deferred one is looked at again, deferred_until at the latest. Earlier decisions stay in the journal.
with entries as (select * from ledger.entries where kind = 'notice_decided'),

actions as (select * from sync.actions),

last_entries as (
    select source_id as candidate_key, seq, known_at, data
    from entries
    qualify row_number() over (partition by source_id order by seq desc) = 1
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
        coalesce(actions.suppressed_because, json_extract_string(last_entries.data, '$.reason')) as reason,
        json_extract_string(last_entries.data, '$.rule') as rule,
        as_instant(json_extract_string(last_entries.data, '$.notice_due_at')) as notice_due_at,
        as_instant(json_extract_string(last_entries.data, '$.until')) as deferred_until,
        last_entries.known_at as decided_at,
        json_extract(last_entries.data, '$.evidence') as evidence,
        actions.action_key,
        actions.state as action_state,
        actions.batch,
        actions.redirect_to
    from last_entries
    left join actions on actions.action_key = json_extract_string(last_entries.data, '$.action_key')
)

select * from decisions
