-- One row per issue that is not at an end: where it stands, what is under way for it, and whom it waits for.
-- Grain: issue_id
-- Refresh: full
-- For whoever leads content operations. The action is the last that was decided for the issue, or for the review that it
-- shares; waits_for says us while that is open, else what sync.issue_steps says. holders are those that hold the faulty
-- version now, the reporters included; null where nobody says which version is faulty.
with steps as (select * from sync.issue_steps),

actions as (select * from sync.actions where pattern = 'P3' and operation <> 'post_notice'),

radius as (select * from sync.issue_blast_radius where not has_left),

assets as (select * from core.assets),

counted as (
    select asset_id, version_no, count(*) as holders
    from radius
    group by asset_id, version_no
),

of_issues as (
    select steps.issue_id, actions.action_key
    from steps
    inner join actions on actions.subject_id = steps.issue_id
    union
    select steps.issue_id, actions.action_key
    from steps
    inner join actions
        on actions.asset_id = steps.asset_id
        and actions.version_no is not distinct from steps.faulty_version_no
    where actions.operation = 'open_review'
),

last_actions as (
    select of_issues.issue_id, actions.*
    from of_issues
    inner join actions on actions.action_key = of_issues.action_key
    qualify row_number() over (
        partition by of_issues.issue_id order by actions.decided_at desc, actions.action_key
    ) = 1
),

progress as (
    select
        steps.issue_id,
        steps.partner_id,
        steps.asset_id,
        assets.title as asset_title,
        assets.owner,
        steps.faulty_version_no,
        steps.category,
        steps.severity,
        steps.status,
        steps.status_since,
        steps.round,
        steps.finding,
        steps.original_id,
        steps.review_id,
        steps.review_status,
        steps.replacement_version_no,
        steps.replacement_effective_at,
        steps.target_version_no,
        case when steps.faulty_version_no is not null then coalesce(counted.holders, 0) end as holders,
        steps.next_step,
        case
            when steps.next_step is null then steps.waits_for
            when last_actions.state = 'dead' then 'person'
            when last_actions.state = 'held_for_approval' then 'approval'
            when last_actions.state = 'suppressed' and last_actions.decided_by is not null then 'person'
            else 'us'
        end as waits_for,
        last_actions.action_key,
        last_actions.operation,
        last_actions.step as action_step,
        last_actions.state as action_state,
        last_actions.decided_at as action_decided_at,
        last_actions.sent_at as action_sent_at,
        last_actions.attempts,
        last_actions.last_error
    from steps
    left join assets on assets.asset_id = steps.asset_id
    left join counted
        on counted.asset_id = steps.asset_id
        and counted.version_no = steps.faulty_version_no
    left join last_actions on last_actions.issue_id = steps.issue_id
)

select * from progress
