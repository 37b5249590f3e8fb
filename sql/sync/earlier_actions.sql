-- One row per reconciling action that was decided before this turn's decision, and what had become of it by then.
-- Grain: action_key
-- Refresh: full
-- What a reconciler may know of its own past (sync.actions is computed after the decision): what the journal had said
-- when the turn was opened, so that the tables on which a decision rested are the same when they are made again. event
-- is the last entry about it: decided, leased, sent, unknown, failed, dead, suppressed. was_leased: it was ever on its
-- way; was_sent: the target has, or had, it; may_be_there: it has, or nobody knows.
with opened as (
    select max(seq) as opened_seq
    from ledger.entries
    where kind = 'turn_opened' and known_at <= $known_at::timestamptz
),

entries as (
    select journal.*
    from ledger.entries as journal
    cross join opened
    where
        journal.kind like 'action\_%' escape '\'
        and (opened.opened_seq is null or journal.seq < opened.opened_seq)
),

decided as (
    select
        source_id as action_key,
        seq,
        known_at,
        data
    from entries
    where kind = 'action_decided' and json_extract_string(data, '$.action_text') is not null
    qualify row_number() over (partition by source_id order by seq desc) = 1
),

folded as (
    select
        entries.source_id as action_key,
        max_by(replace(entries.kind, 'action_', ''), entries.seq) as event,
        min(entries.known_at) as first_decided_at,
        bool_or(entries.kind = 'action_leased') as was_leased,
        bool_or(entries.kind = 'action_sent') as was_sent,
        max(entries.known_at) filter (where entries.kind = 'action_sent') as sent_at,
        max_by(json_extract_string(entries.data, '$.remote_id'), entries.seq) filter (
            where entries.kind = 'action_sent'
        ) as remote_id,
        max_by(json_extract_string(entries.data, '$.error'), entries.seq) filter (
            where json_extract_string(entries.data, '$.error') is not null
        ) as last_error
    from entries
    semi join decided on decided.action_key = entries.source_id
    group by entries.source_id
),

actions as (
    select
        decided.action_key,
        json_extract_string(decided.data, '$.action_text') as action_text,
        json_extract_string(decided.data, '$.pattern') as pattern,
        json_extract_string(decided.data, '$.target_system') as target_system,
        json_extract_string(decided.data, '$.operation') as operation,
        json_extract_string(decided.data, '$.subject_type') as subject_type,
        json_extract_string(decided.data, '$.subject_id') as subject_id,
        json_extract_string(decided.data, '$.step') as step,
        json_extract_string(decided.data, '$.partner_id') as partner_id,
        json_extract_string(decided.data, '$.asset_id') as asset_id,
        cast(json_extract_string(decided.data, '$.version_no') as integer) as version_no,
        json_extract(decided.data, '$.payload') as payload,
        json_extract(decided.data, '$.evidence') as evidence,
        json_extract_string(decided.data, '$.rule') as rule,
        folded.event,
        folded.was_leased,
        folded.was_sent,
        folded.was_sent or folded.event in ('leased', 'unknown') as may_be_there,
        folded.first_decided_at,
        decided.known_at as decided_at,
        folded.sent_at,
        folded.remote_id,
        folded.last_error
    from decided
    inner join folded on folded.action_key = decided.action_key
)

select * from actions
