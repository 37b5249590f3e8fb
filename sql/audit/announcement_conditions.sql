-- One row per version that took effect silently: its audience was not empty, and nobody was told of it.
-- Grain: finding_id
-- Refresh: full
-- docs/domain.md, 9 (P2). It is said a day after the notice fell due, and never past what is known of notices.
with audiences as (select * from freshness.audiences where kind in ('publish', 'version_change')),

notices as (select * from core.notices where kind in ('publish', 'version_change')),

lateness as (select watermark from ops.data_late where claim = 'obligation'),

due as (
    select
        audiences.asset_id,
        audiences.version_no,
        count(distinct audiences.partner_id) as partners,
        min(audiences.notice_due_at) as notice_due_at
    from audiences
    cross join lateness
    where audiences.notice_due_at + interval 24 hours <= least($as_of, lateness.watermark)
    group by audiences.asset_id, audiences.version_no
),

told as (select distinct asset_id, version_no from notices where posted_at <= $as_of),

silent as (
    select due.*
    from due
    anti join told
        on told.asset_id = due.asset_id
        and told.version_no = due.version_no
),

conditions as (
    select
        'silent_publish:asset_version:' || asset_id || '|' || version_no::varchar as finding_id,
        'silent_publish' as rule,
        'warning' as severity,
        'asset_version' as subject_type,
        asset_id || '|' || version_no::varchar as subject_id,
        null::varchar as partner_id,
        asset_id,
        version_no,
        partners::varchar || ' partners were due a notice of it, and nobody was told' as detail
    from silent
)

select * from conditions
