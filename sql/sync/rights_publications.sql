-- One row per publication of a group's access rules that was ever on its way to Trading Grid, and what it replaced.
-- Grain: action_key
-- Refresh: full
-- docs/patterns/rights.md. Trading Grid lists no rules, so what was last sent is what it has. is_last: the last one
-- that was on its way, sent or not; is_last_sent: the last one that certainly arrived. rules_before are those of the
-- one sent before it, null where there is none.
with earlier_actions as (select * from sync.earlier_actions where operation = 'publish_access_rules'),

tried as (
    select
        earlier_actions.action_key,
        earlier_actions.action_text,
        earlier_actions.subject_id as group_id,
        split_part(earlier_actions.step, ':', 2) as digest,
        cast(split_part(earlier_actions.step, ':', 3) as integer) as revision,
        json_extract(earlier_actions.payload, '$.rules') as rules,
        earlier_actions.was_sent,
        earlier_actions.sent_at
    from earlier_actions
    where was_leased
),

ranked as (
    select
        *,
        revision = max(revision) over (partition by group_id) as is_last,
        coalesce(
            was_sent and revision = max(revision) filter (where was_sent) over (partition by group_id), false
        ) as is_last_sent,
        lag(rules) over (partition by group_id, was_sent order by revision) as same_fate_before
    from tried
),

publications as (
    select
        * exclude (same_fate_before),
        case when was_sent then same_fate_before end as rules_before
    from ranked
)

select * from publications
