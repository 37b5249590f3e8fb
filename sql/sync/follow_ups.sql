-- One row per obligation that is not answered, and the step of the ladder that has come: a reminder, the escalation.
-- Grain: partner_id, asset_id, version_no, kind, step
-- Refresh: by partner_id, asset_id
-- Spine: sync.follow_up_rounds
-- docs/domain.md, 10: a reminder at half of the time, at due, then at intervals, so many at most (r1, r2, …, with the
-- kind that is owed), each giving way to the next; one escalation (e1) to the asset's owner once it is overdue.
-- Whatever is answered, void, exempt, declined or under an exception has no further step.
with rounds as (select * from sync.follow_up_rounds),

assets as (select * from core.assets),

reminders as (
    select
        partner_id,
        asset_id,
        version_no,
        'reminder' as kind,
        'r' || round || ':' || kind as step,
        case
            when round <= steps_before_due then 'half_of_the_time_is_over'
            when round = steps_before_due + 1 then 'is_due'
            else 'is_overdue'
        end as rule,
        case
            when round <= steps_before_due then half_at
            else due_at + to_seconds(remind_every_seconds * (round - steps_before_due - 1))
        end as notice_due_at,
        kind as about_kind,
        cast(round as varchar) as round,
        sent_at,
        due_at,
        first_notice_id
    from rounds
    where round > 0
),

escalations as (
    select
        partner_id,
        asset_id,
        version_no,
        'escalation' as kind,
        'e1:' || kind as step,
        'is_overdue' as rule,
        escalate_at as notice_due_at,
        kind as about_kind,
        '1' as round,
        sent_at,
        due_at,
        first_notice_id
    from rounds
    where is_escalated
),

steps as (
    select * from reminders
    union all
    select * from escalations
),

follow_ups as (
    select
        steps.partner_id,
        steps.asset_id,
        cast(steps.version_no as integer) as version_no,
        steps.kind,
        steps.step,
        'P4' as pattern,
        steps.rule,
        steps.notice_due_at,
        'notice' as subject_type,
        steps.first_notice_id as subject_id,
        coalesce(assets.classification = 'safety', false) as is_urgent,
        json_object(
            'about_kind', steps.about_kind,
            'round', steps.round,
            'sent_at', instant_text(steps.sent_at),
            'due_at', instant_text(steps.due_at)
        ) as said,
        to_json([steps.first_notice_id]) as evidence
    from steps
    left join assets on assets.asset_id = steps.asset_id
)

select * from follow_ups
