-- One row per record of a campaign's task that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.campaign_tasks),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        task_id,
        campaign_id,
        partner_id,
        kind,
        status,
        as_instant(due_at) as due_at,
        as_instant(completed_at) as completed_at,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(task_id, '') = '' then 'task_id is missing'
            when coalesce(campaign_id, '') = '' then 'campaign_id is missing'
            when due_at is not null and as_instant(due_at) is null then 'due_at is not an instant'
            when completed_at is not null and as_instant(completed_at) is null then 'completed_at is not an instant'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
