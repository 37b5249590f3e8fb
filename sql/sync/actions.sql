-- One row per action that was ever decided, with what became of it.
-- Grain: action_key
-- Refresh: full
-- After: ledger.actions
-- A fold over the journal (docs/notices.md has the states). A lease whose run is over without an outcome is unknown.
with entries as (select * from ledger.entries),

turns as (select * from ops.turns),

decided as (
    select
        seq,
        source_id as action_key,
        known_at,
        data,
        json_extract_string(data, '$.batch') as batch,
        json_extract_string(data, '$.needs_approval') = 'true' as needs_approval
    from entries
    where kind = 'action_decided'
),

machine_events as (
    select
        seq,
        source_id as action_key,
        kind as event,
        known_at,
        run_id,
        cast(null as varchar) as actor,
        json_extract_string(data, '$.reason') as reason,
        json_extract_string(data, '$.error') as error,
        json_extract_string(data, '$.retry_at') as retry_at,
        json_extract_string(data, '$.remote_id') as remote_id,
        json_extract_string(data, '$.how') as how,
        json_extract_string(data, '$.needs_approval') = 'true' as needs_approval
    from entries
    where
        kind in (
            'action_decided',
            'action_leased',
            'action_sent',
            'action_unknown',
            'action_failed',
            'action_dead',
            'action_suppressed'
        )
),

persons_decisions as (
    select
        seq,
        json_extract_string(data, '$.kind') as event,
        json_extract_string(data, '$.subject') as subject,
        known_at,
        run_id,
        actor,
        reason
    from entries
    where kind = 'decision' and json_extract_string(data, '$.kind') in ('approve', 'reject', 'retry', 'drop')
),

persons_events as (
    select distinct
        persons_decisions.seq,
        decided.action_key,
        persons_decisions.event,
        persons_decisions.known_at,
        persons_decisions.run_id,
        persons_decisions.actor,
        persons_decisions.reason
    from persons_decisions
    inner join decided
        on decided.seq < persons_decisions.seq
        and (decided.action_key = persons_decisions.subject or decided.batch = persons_decisions.subject)
),

events as (
    select * from machine_events
    union all by name
    select * from persons_events
),

after_what as (
    select
        *,
        lag(event) over (partition by action_key order by seq) as previous_event,
        lag(needs_approval) over (partition by action_key order by seq) as previous_needs_approval
    from events
),

approvals_that_count as (
    select * exclude (previous_event)
    from after_what
    where
        event not in ('approve', 'reject')
        or (previous_event = 'action_decided' and previous_needs_approval)
),

after_what_counts as (
    select
        *,
        lag(event) over (partition by action_key order by seq) as previous_event
    from approvals_that_count
),

history as (
    select *
    from after_what_counts
    where
        event not in ('retry', 'drop')
        or (event = 'retry' and previous_event = 'action_dead')
        or (
            event = 'drop'
            and previous_event in ('action_decided', 'approve', 'retry', 'action_failed', 'action_unknown', 'action_dead')
        )
),

starts as (
    select
        action_key,
        max(seq) filter (where event = 'action_decided') as decided_seq,
        max(seq) filter (where event in ('action_decided', 'retry')) as counted_from_seq
    from history
    group by action_key
),

outcomes as (
    select
        history.action_key,
        count(*) filter (
            where history.event = 'action_leased' and history.seq > starts.counted_from_seq
        ) as attempts,
        max_by(history.error, history.seq) filter (
            where history.error is not null and history.seq > starts.decided_seq
        ) as last_error,
        max(history.known_at) filter (where history.event = 'action_sent') as sent_at,
        max_by(history.remote_id, history.seq) filter (where history.event = 'action_sent') as remote_id,
        max_by(history.how, history.seq) filter (where history.event = 'action_sent') as sent_how,
        max_by(history.event, history.seq) as last_event,
        max_by(history.run_id, history.seq) as last_run_id,
        max_by(history.known_at, history.seq) as changed_at,
        max_by(history.retry_at, history.seq) filter (
            where history.event in ('action_failed', 'action_unknown')
        ) as retry_at,
        max_by(history.reason, history.seq) filter (
            where history.event in ('action_suppressed', 'reject', 'drop')
        ) as suppressed_because,
        max_by(history.actor, history.seq) filter (where history.actor is not null) as decided_by
    from history
    inner join starts on starts.action_key = history.action_key
    group by history.action_key
),

last_turn as (select max_by(turn_id, turn_no) as turn_id from turns),

actions as (
    select
        outcomes.action_key,
        json_extract_string(decided.data, '$.pattern') as pattern,
        json_extract_string(decided.data, '$.target_system') as target_system,
        json_extract_string(decided.data, '$.operation') as operation,
        json_extract(decided.data, '$.payload') as payload,
        json_extract_string(decided.data, '$.reason') as reason,
        case
            when outcomes.last_event = 'action_decided' and decided.needs_approval then 'held_for_approval'
            when outcomes.last_event in ('action_decided', 'approve', 'retry') then 'pending'
            when outcomes.last_event in ('reject', 'drop', 'action_suppressed') then 'suppressed'
            when outcomes.last_event = 'action_leased' and outcomes.last_run_id is distinct from last_turn.turn_id
                then 'unknown'
            else replace(outcomes.last_event, 'action_', '')
        end as state,
        cast(outcomes.attempts as integer) as attempts,
        outcomes.last_error,
        case
            when outcomes.last_event in ('action_failed', 'action_unknown') then as_instant(outcomes.retry_at)
        end as retry_at,
        outcomes.remote_id,
        outcomes.sent_at,
        outcomes.sent_how,
        case
            when outcomes.last_event = 'reject' then 'rejected: ' || outcomes.suppressed_because
            when outcomes.last_event = 'drop' then 'dropped: ' || outcomes.suppressed_because
            when outcomes.last_event = 'action_suppressed' then outcomes.suppressed_because
        end as suppressed_because,
        decided.batch,
        outcomes.decided_by,
        json_extract_string(decided.data, '$.partner_id') as partner_id,
        json_extract_string(decided.data, '$.redirect_to') as redirect_to,
        json_extract_string(decided.data, '$.asset_id') as asset_id,
        cast(json_extract_string(decided.data, '$.version_no') as integer) as version_no,
        json_extract_string(decided.data, '$.kind') as kind,
        json_extract_string(decided.data, '$.step') as step,
        json_extract_string(decided.data, '$.candidate_key') as candidate_key,
        json_extract_string(decided.data, '$.action_text') as action_text,
        json_extract_string(decided.data, '$.subject_type') as subject_type,
        json_extract_string(decided.data, '$.subject_id') as subject_id,
        json_extract_string(decided.data, '$.rule') as rule,
        coalesce(json_extract_string(decided.data, '$.is_urgent') = 'true', false) as is_urgent,
        as_instant(json_extract_string(decided.data, '$.due_at')) as due_at,
        json_extract(decided.data, '$.evidence') as evidence,
        decided.known_at as decided_at,
        outcomes.changed_at
    from outcomes
    cross join last_turn
    inner join starts on starts.action_key = outcomes.action_key
    inner join decided on decided.action_key = starts.action_key and decided.seq = starts.decided_seq
)

select * from actions
