-- One row per thing that is wrong with a notice: nobody can owe an answer to it, or its due date cannot be.
-- Grain: finding_id
-- Refresh: by notice_id
-- Spine: core.notices
-- docs/domain.md, 7.
with notices as (select * from core.notices),

without_subject as (
    select
        'notice_without_subject' as rule,
        notice_id,
        partner_id,
        asset_id,
        version_no,
        'a ' || kind || ' notice names no asset or no version, so nobody owes an answer to it' as detail
    from notices
    where kind in ('publish', 'version_change', 'withdrawal', 'expiry')
        and (asset_id is null or version_no is null)
),

due_before_posted as (
    select
        'notice_due_before_posted' as rule,
        notice_id,
        partner_id,
        asset_id,
        version_no,
        'its due date lies before its posting' as detail
    from notices
    where due_at < posted_at
),

every_rule as (
    select * from without_subject
    union all
    select * from due_before_posted
),

conditions as (
    select
        rule || ':notice:' || notice_id as finding_id,
        rule,
        'warning' as severity,
        'notice' as subject_type,
        notice_id as subject_id,
        partner_id,
        asset_id,
        version_no,
        detail,
        notice_id
    from every_rule
)

select * from conditions
