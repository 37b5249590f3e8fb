-- One row per obligation that a notice posted by as_of has sent: what the notices with its key come to.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Spine: core.notices
-- Changes at: core.notices.posted_at, core.notices.retracted_at
-- docs/domain.md, 7: the earliest of the notices that count; retracted ones do not, unless all are: then retracted_at is
-- when the last of them was. A due date before the posting counts as missing.
with notices as (
    select * from core.notices
    where kind in ('publish', 'version_change', 'withdrawal', 'expiry')
        and asset_id is not null
        and version_no is not null
),

assets as (select * from core.assets),

time_to_respond as (select * from ops.time_to_respond),

rows_due as (
    select
        notices.partner_id,
        notices.asset_id,
        notices.version_no,
        notices.kind,
        notices.notice_id,
        notices.posted_at,
        notices.retracted_at,
        notices.posted_at <= $as_of as is_posted,
        notices.posted_at <= $as_of and (notices.retracted_at is null or notices.retracted_at > $as_of) as is_standing,
        case
            when notices.due_at >= notices.posted_at then notices.due_at
            else notices.posted_at + to_seconds(coalesce(own_time.seconds, standard_time.seconds))
        end as due_at
    from notices
    left join assets on assets.asset_id = notices.asset_id
    left join time_to_respond as own_time
        on own_time.kind = notices.kind
        and own_time.classification = assets.classification
    left join time_to_respond as standard_time
        on standard_time.kind = notices.kind
        and standard_time.classification = 'standard'
),

folded as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        count(*) filter (where is_posted) as notices_posted,
        count(*) filter (where is_standing) as notices_standing,
        min(posted_at) filter (where is_posted) as first_posted_at,
        min(posted_at) filter (where is_standing) as first_standing_at,
        min(due_at) filter (where is_posted) as first_due_at,
        min(due_at) filter (where is_standing) as first_standing_due_at,
        arg_min(notice_id, (posted_at, notice_id)) filter (where is_posted) as first_notice_id,
        arg_min(notice_id, (posted_at, notice_id)) filter (where is_standing) as first_standing_notice_id,
        max(retracted_at) filter (where is_posted) as last_retracted_at,
        min(case when is_standing then retracted_at when not is_posted then posted_at end) as next_change_at
    from rows_due
    group by partner_id, asset_id, version_no, kind
),

sent as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        coalesce(first_standing_at, first_posted_at) as sent_at,
        coalesce(first_standing_due_at, first_due_at) as due_at,
        case when notices_standing = 0 then notices_posted else notices_standing end as notices,
        coalesce(first_standing_notice_id, first_notice_id) as first_notice_id,
        case when notices_standing = 0 then last_retracted_at end as retracted_at,
        next_change_at
    from folded
    where notices_posted > 0
)

select * from sent
