-- One row per obligation that is not answered: how many steps of the ladder have come.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obligations
-- Changes at: freshness.obligations.sent_at
-- docs/domain.md, 10: a reminder at half of the time, at due, then at intervals, so many at most; one escalation once it
-- is overdue. round is the reminder that has come, 0 = none yet. next_change_at is when the next step comes.
with obligations as (
    select * from freshness.obligations where state in ('pending', 'overdue') and sent_at <= $as_of and due_at is not null
),

settings as (select * from ops.notice_settings),

timed as (
    select
        obligations.*,
        settings.remind_every_seconds,
        settings.remind_most,
        case when settings.remind_at_half then 1 else 0 end as steps_before_due,
        case
            when settings.remind_at_half then obligations.sent_at + (obligations.due_at - obligations.sent_at) / 2
        end as half_at,
        case
            when obligations.state = 'overdue' then obligations.due_at + to_seconds(settings.escalate_after_seconds)
        end as escalate_at
    from obligations
    cross join settings
),

placed as (
    select
        *,
        case
            when $as_of >= due_at
                then least(
                    remind_most,
                    steps_before_due + 1
                    + cast(floor((epoch($as_of) - epoch(due_at)) / remind_every_seconds) as integer)
                )
            when $as_of >= half_at then least(remind_most, 1)
            else 0
        end as round
    from timed
),

rounds as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        sent_at,
        due_at,
        first_notice_id,
        steps_before_due,
        remind_every_seconds,
        half_at,
        round,
        escalate_at,
        coalesce(escalate_at <= $as_of, false) as is_escalated,
        least(
            case
                when round >= remind_most then null
                when $as_of < half_at then half_at
                when $as_of < due_at then due_at
                else due_at + to_seconds(remind_every_seconds * (round - steps_before_due))
            end,
            case when escalate_at > $as_of then escalate_at end
        ) as next_change_at
    from placed
)

select * from rounds
