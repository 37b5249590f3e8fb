-- One row per issue that a partner reported by as_of: how far it has come, how fast, and who else was told.
-- Grain: issue_id
-- Refresh: full
-- docs/domain.md, 9, P3; 11, K11. Durations begin with the report; *_working_seconds are the business calendar's. Of a
-- stage that it has not reached, and still may, they run up to as_of (is_*_censored); of one that it will not reach
-- (rejected, a duplicate, answered without a replacement) they are null. The first step away from reported is the
-- triage. Holders are those of marts.exception_holders; null where nobody says which version is faulty.
with stages as (select * from marts.exception_stages),

holders as (select * from marts.exception_holders),

hours as (select * from ops.business_hours),

service_levels as (select * from ops.service_levels),

radius as (
    select
        issue_id,
        count(*) as holders,
        count(*) filter (where is_informed) as holders_informed,
        count(*) filter (where not is_reporter) as other_holders,
        count(*) filter (where not is_reporter and is_informed) as other_holders_informed
    from holders
    group by issue_id
),

judged as (
    select
        stages.*,
        radius.holders,
        radius.holders_informed,
        radius.other_holders,
        radius.other_holders_informed,
        stages.status in ('rejected', 'duplicate') as is_dismissed,
        stages.status in ('partner_notified', 'confirmed') and stages.replaced_at is null as is_answered_otherwise
    from stages
    left join radius on radius.issue_id = stages.issue_id
),

staged as (
    select
        *,
        coalesce(triaged_at, case when status = 'reported' then $as_of end) as triage_until,
        coalesce(
            replaced_at, case when not is_dismissed and not is_answered_otherwise then $as_of end
        ) as replace_until,
        coalesce(confirmed_at, case when not is_dismissed and status <> 'confirmed' then $as_of end) as confirm_until
    from judged
),

instants as (
    select issue_id, 'reported' as stage, reported_at as instant from staged
    union all
    select issue_id, 'triage' as stage, triage_until as instant from staged
    union all
    select issue_id, 'replace' as stage, replace_until as instant from staged
    union all
    select issue_id, 'confirm' as stage, confirm_until as instant from staged
),

worked as (
    select
        instants.issue_id,
        instants.stage,
        hours.seconds_before
        + case when hours.is_open then seconds_between(hours.from_at, instants.instant) else 0 end as working_seconds
    from instants
    inner join hours
        on hours.utc_day = cast(timezone('UTC', instants.instant) as date)
        and hours.from_at <= instants.instant
        and hours.until_at > instants.instant
),

clocks as (
    select
        issue_id,
        max(working_seconds) filter (where stage = 'reported') as at_report,
        max(working_seconds) filter (where stage = 'triage') as at_triage,
        max(working_seconds) filter (where stage = 'replace') as at_replace,
        max(working_seconds) filter (where stage = 'confirm') as at_confirm
    from worked
    group by issue_id
),

timed as (
    select
        staged.*,
        case
            when staged.triage_until is not null
                then greatest(seconds_between(staged.reported_at, staged.triage_until), 0)
        end as triage_seconds,
        case
            when staged.replace_until is not null
                then greatest(seconds_between(staged.reported_at, staged.replace_until), 0)
        end as replace_seconds,
        case
            when staged.confirm_until is not null
                then greatest(seconds_between(staged.reported_at, staged.confirm_until), 0)
        end as confirm_seconds,
        case
            when clocks.at_triage is not null then round(greatest(clocks.at_triage - clocks.at_report, 0), 6)
        end as triage_working_seconds,
        case
            when clocks.at_replace is not null then round(greatest(clocks.at_replace - clocks.at_report, 0), 6)
        end as replace_working_seconds,
        case
            when clocks.at_confirm is not null then round(greatest(clocks.at_confirm - clocks.at_report, 0), 6)
        end as confirm_working_seconds
    from staged
    left join clocks on clocks.issue_id = staged.issue_id
),

exception_loop as (
    select
        timed.issue_id,
        timed.partner_id,
        timed.asset_id,
        timed.version_no,
        timed.category,
        timed.severity,
        timed.status,
        timed.duplicate_of,
        timed.is_dismissed,
        timed.review_ids,
        timed.replacement_version_no,
        timed.reported_at,
        timed.triaged_at,
        timed.replaced_at,
        timed.notified_at,
        timed.confirmed_at,
        timed.triage_seconds,
        timed.triage_working_seconds,
        timed.triaged_at is null and timed.triage_until is not null as is_triage_censored,
        timed.replace_seconds,
        timed.replace_working_seconds,
        timed.replaced_at is null and timed.replace_until is not null as is_replace_censored,
        timed.confirm_seconds,
        timed.confirm_working_seconds,
        timed.confirmed_at is null and timed.confirm_until is not null as is_confirm_censored,
        coalesce(timed.triage_working_seconds > service_levels.triage_seconds, false) as is_triage_breached,
        coalesce(
            timed.replace_working_seconds > service_levels.replacement_seconds, false
        ) as is_replacement_breached,
        timed.times_reopened,
        timed.notified_at is not null
        or timed.confirmed_at is not null
        or timed.times_reopened > 0 as was_answered,
        case when timed.version_no is not null then coalesce(timed.holders, 0) end as holders,
        case when timed.version_no is not null then coalesce(timed.holders_informed, 0) end as holders_informed,
        case when timed.version_no is not null then coalesce(timed.other_holders, 0) end as other_holders,
        case
            when timed.version_no is not null then coalesce(timed.other_holders_informed, 0)
        end as other_holders_informed,
        case
            when (timed.triaged_at is null and timed.triage_until is not null)
                or (timed.replaced_at is null and timed.replace_until is not null)
                or (timed.confirmed_at is null and timed.confirm_until is not null)
                then $as_of + interval 1 microsecond
            else timed.next_step_at
        end as next_change_at
    from timed
    cross join service_levels
)

select * from exception_loop
