-- One row per comment as Trading Grid has it now: its latest edition, and what its thread is about.
-- Grain: comment_id
-- Refresh: by comment_id
-- Spine: core.comments_history
-- Touched by: core.notices(thread_id = notice_id) through core.comments_history
-- Touched by: core.requests(thread_id = request_id) through core.comments_history
-- Touched by: core.issues(thread_id = issue_id) through core.comments_history
with editions as (select * from core.comments_history),

ranked as (
    select
        *,
        row_number() over (
            partition by comment_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

notices as (select * from core.notices),

requests as (select * from core.requests),

issues as (select * from core.issues),

threaded as (
    select
        latest.*,
        coalesce(latest.partner_id, notices.partner_id, requests.partner_id, issues.partner_id) as about_partner_id,
        case
            when latest.thread_type = 'asset' then latest.thread_id
            else coalesce(notices.asset_id, requests.asset_id, issues.asset_id)
        end as about_asset_id,
        coalesce(notices.version_no, issues.version_no) as about_version_no
    from latest
    left join notices on latest.thread_type = 'notice' and notices.notice_id = latest.thread_id
    left join requests on latest.thread_type = 'request' and requests.request_id = latest.thread_id
    left join issues on latest.thread_type = 'issue' and issues.issue_id = latest.thread_id
)

select * from threaded
