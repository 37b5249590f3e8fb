-- One row per action that a pattern's reconciliation wants and that is not done yet.
-- Grain: action_text
-- Refresh: full
-- docs/domain.md, 9. action_text names pattern, subject, step and round (joined by '|', parts by key_part): the same cause
-- has the same text, and so the same key. payload bears the target's own ids and no JSON numbers (an integer is text that
-- the connection's profile casts). A row is here only while the remote is not as it should be. waits_because is data_late
-- while a feed that the pattern rests on is late: then nothing is decided.
with request_actions as (select * from sync.request_actions),

issue_actions as (select * from sync.issue_actions),

rights_actions as (select * from sync.rights_actions),

campaign_actions as (select * from sync.campaign_actions),

feeds as (select * from sync.action_feeds),

assets as (select * from core.assets),

wanted as (
    select * from request_actions
    union all by name
    select * from issue_actions
    union all by name
    select * from rights_actions
    union all by name
    select * from campaign_actions
),

desired as (
    select
        wanted.*,
        assets.owner,
        case when feeds.is_late then 'data_late' end as waits_because,
        feeds.late_streams
    from wanted
    left join feeds on feeds.pattern = wanted.pattern
    left join assets on assets.asset_id = wanted.asset_id
)

select * from desired
