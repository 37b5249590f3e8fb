-- One row per campaign that is under way, partner and package: whether it can go out, with what, and which telling that is.
-- Grain: campaign_id, partner_id, package_id
-- Refresh: full
-- docs/patterns/campaigns.md has the table of stages: waived, empty, blocked, embargo, approval, final. due_at is when
-- it became final; what launches after the go-live is due from the go-live on at the earliest. round is one more than
-- the last telling where something else is in it than then, or where that was taken back. is_told_by_hand: a person
-- posted it since it is final.
with campaigns as (select * from core.campaigns),

packages as (select * from core.packages),

items as (select * from sync.campaign_items),

tasks as (select * from core.campaign_tasks where kind = 'approval'),

notices as (
    select * from core.notices
    where kind = 'launch_package' and package_id is not null and (retracted_at is null or retracted_at > $as_of)
),

decided as (select * from ledger.entries where kind = 'action_decided'),

tellings as (select * from sync.campaign_tellings),

settings as (select * from ops.notice_settings),

counted as (
    select
        campaign_id,
        partner_id,
        package_id,
        max(launch_at) as launch_at,
        max(required_rung) as required_rung,
        max(embargo_until) as embargo_until,
        bool_or(is_waived) as is_waived,
        count(*) filter (where is_needed) as items_needed,
        arg_min(
            blocked_by,
            case blocked_by
                when 'no_launch_date' then 1 when 'no_version' then 2 when 'barred' then 3 when 'not_entitled' then 4
            end
        ) filter (
            where is_needed and blocked_by in ('no_launch_date', 'no_version', 'barred', 'not_entitled')
        ) as blocked_by,
        count(*) filter (where is_needed and not is_packed) as items_missing,
        coalesce(bool_or(is_needed and blocked_by = 'embargo'), false) as is_embargoed,
        max(final_since) filter (where is_packed) as final_since,
        max(approved_at) filter (where is_packed) as approved_at,
        left(
            sha256(
                string_agg(asset_id || ':' || launch_version_no, '|' order by asset_id, launch_version_no)
                filter (where is_packed)
            ),
            16
        ) as digest,
        list(line order by sequence, asset_id) filter (where is_packed) as lines
    from items
    group by campaign_id, partner_id, package_id
),

approvals as (
    select
        counted.campaign_id,
        counted.partner_id,
        counted.package_id,
        count(*) filter (where tasks.status in ('open', 'blocked')) as approvals_open,
        max(tasks.completed_at) filter (where tasks.status = 'done') as approved_at
    from counted
    inner join tasks
        on tasks.campaign_id = counted.campaign_id
        and (tasks.partner_id is null or tasks.partner_id = counted.partner_id)
    group by counted.campaign_id, counted.partner_id, counted.package_id
),

of_others as (
    select notices.*
    from notices
    anti join decided on decided.source_id = notices.external_key
),

by_hand as (
    select distinct counted.campaign_id, counted.partner_id, counted.package_id
    from counted
    inner join of_others
        on of_others.partner_id = counted.partner_id
        and of_others.package_id = counted.package_id
        and of_others.posted_at >= counted.approved_at
),

staged as (
    select
        counted.* exclude (approved_at),
        campaigns.name as campaign_name,
        campaigns.owner,
        coalesce(approvals.approvals_open, 0) as approvals_open,
        greatest(counted.final_since, approvals.approved_at, packages.embargo_until) as final_at,
        by_hand.package_id is not null as is_told_by_hand,
        tellings.digest as told_digest,
        tellings.round as told_round,
        tellings.told_at,
        coalesce(tellings.is_taken_back, false) as is_taken_back,
        case
            when counted.is_waived then 'waived'
            when counted.items_needed = 0 and counted.lines is null then 'empty'
            when counted.blocked_by is not null or counted.items_missing > 0 or counted.lines is null then 'blocked'
            when coalesce(approvals.approvals_open, 0) > 0 then 'approval'
            when counted.is_embargoed or packages.embargo_until > $as_of then 'embargo'
            else 'final'
        end as stage
    from counted
    inner join campaigns on campaigns.campaign_id = counted.campaign_id
    inner join packages on packages.package_id = counted.package_id
    left join approvals
        on approvals.campaign_id = counted.campaign_id
        and approvals.partner_id = counted.partner_id
        and approvals.package_id = counted.package_id
    left join by_hand
        on by_hand.campaign_id = counted.campaign_id
        and by_hand.partner_id = counted.partner_id
        and by_hand.package_id = counted.package_id
    left join tellings
        on tellings.campaign_id = counted.campaign_id
        and tellings.partner_id = counted.partner_id
        and tellings.package_id = counted.package_id
),

campaign_packages as (
    select
        staged.*,
        case
            when told_round is null then 1
            when told_digest = digest and not is_taken_back then told_round
            else told_round + 1
        end as round,
        case when launch_at > settings.notify_from then greatest(final_at, settings.notify_from) else final_at end as due_at,
        coalesce(
            case when launch_at > settings.notify_from then true else final_at >= settings.notify_from end, false
        ) as is_ours
    from staged
    cross join settings
)

select * from campaign_packages
