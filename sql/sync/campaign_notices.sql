-- One row per partner and package that has become final for a launch, and has something in it that the partner was not told of.
-- Grain: partner_id, subject_type, subject_id, step
-- Refresh: full
-- docs/patterns/campaigns.md. The step bears what is in the package (a digest) and the round: a later change is a
-- further notice, with what changed. said is for the template: docs/notices.md.
with packages as (
    select * from sync.campaign_packages where stage = 'final' and is_ours and not is_told_by_hand
),

items as (select * from sync.campaign_items where is_packed),

tasks as (
    select * from core.campaign_tasks where kind = 'confirmation' and status = 'open' and due_at > $as_of
),

changes as (
    select
        packages.campaign_id,
        packages.partner_id,
        packages.package_id,
        list(items.line order by items.sequence, items.asset_id) as lines
    from packages
    inner join items
        on items.campaign_id = packages.campaign_id
        and items.partner_id = packages.partner_id
        and items.package_id = packages.package_id
    where items.final_since > packages.told_at or items.packed_at > packages.told_at
    group by packages.campaign_id, packages.partner_id, packages.package_id
),

answers as (
    select campaign_id, partner_id, min(due_at) as due_at
    from tasks
    where partner_id is not null
    group by campaign_id, partner_id
),

campaign_notices as (
    select
        packages.partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        'launch_package' as kind,
        'package:' || packages.campaign_id || ':' || packages.package_id || ':' || packages.digest
        || ':' || packages.round as step,
        'P6' as pattern,
        case when packages.round > 1 then 'package_changed' else 'package_final' end as rule,
        packages.due_at as notice_due_at,
        'campaign' as subject_type,
        packages.campaign_id as subject_id,
        packages.round > 1 and packages.launch_at <= $as_of + interval 24 hours as is_urgent,
        json_object(
            'campaign_id', packages.campaign_id,
            'campaign_name', coalesce(packages.campaign_name, packages.campaign_id),
            'package_id', packages.package_id,
            'launch_at', instant_text(packages.launch_at),
            'items', array_to_string(packages.lines[1:50], chr(10)),
            'changes', case
                when packages.round > 1 then coalesce(array_to_string(changes.lines[1:50], chr(10)), '') else ''
            end,
            'required_rung', [
                'assigned', 'notified', 'delivered', 'opened', 'obtained', 'acknowledged', 'completed', 'verified'
            ][packages.required_rung + 1],
            'answer_by_at', coalesce(
                instant_text(answers.due_at),
                case when packages.launch_at > $as_of then instant_text(packages.launch_at) else '' end
            )
        ) as said,
        to_json([packages.campaign_id, packages.package_id]) as evidence
    from packages
    left join changes
        on changes.campaign_id = packages.campaign_id
        and changes.partner_id = packages.partner_id
        and changes.package_id = packages.package_id
    left join answers
        on answers.campaign_id = packages.campaign_id
        and answers.partner_id = packages.partner_id
)

select * from campaign_notices
