-- One row per issue that is not at an end: what we found, which step comes next, or whom it waits for.
-- Grain: issue_id
-- Refresh: full
-- docs/patterns/exceptions.md has the table of steps. finding is what triage found: unknown_subject, duplicate, review,
-- removal, delivery, newer_version, unsure (a negative claim, and the data is late). next_step is the status that the
-- issue is to get, or review (to be opened in VIP), or delivery (to be made in VIP); null where it waits_for: steps (the
-- feeds disagree), name (the reporter, to say which file), data, review (its owners), effect (of the replacement), reporter
-- (to confirm), person. vip_partner_id is null where nobody can say what the reporter is called in VIP.
with rounds as (select * from audit.issue_rounds where status not in ('rejected', 'duplicate', 'confirmed')),

reviews as (select * from audit.issue_reviews),

steps as (select * from core.issue_events where occurred_at <= $as_of),

deliveries as (select * from core.deliveries),

earlier_actions as (
    select * from sync.earlier_actions where operation = 'create_delivery' and was_sent
),

lateness as (select is_late from ops.data_late where claim = 'position'),

followed_up as (
    select
        issue_id,
        first_value(issue_id) over (
            partition by
                partner_id,
                asset_id,
                category,
                case when category in ('missing', 'outdated') then 0 else coalesce(version_no, 0) end
            order by reported_at, issue_id
        ) as original_id
    from rounds
    where status <> 'partner_notified' and asset_id is not null
),

sent as (
    select
        rounds.issue_id,
        count(*) filter (where deliveries.status in ('failed', 'cancelled', 'expired')) as deliveries_failed,
        count(*) filter (where deliveries.status not in ('failed', 'cancelled', 'expired')) as deliveries_made
    from rounds
    inner join deliveries
        on deliveries.partner_id = rounds.partner_id
        and deliveries.asset_id = rounds.asset_id
        and deliveries.version_no = rounds.target_version_no
        and deliveries.created_at >= rounds.round_started_at
    group by rounds.issue_id
),

not_listed_yet as (
    select distinct rounds.issue_id
    from rounds
    inner join earlier_actions
        on earlier_actions.partner_id = rounds.partner_id
        and earlier_actions.asset_id = rounds.asset_id
        and earlier_actions.version_no = rounds.target_version_no
        and earlier_actions.sent_at >= rounds.round_started_at
    anti join deliveries on deliveries.delivery_id = earlier_actions.remote_id
),

examined as (
    select
        rounds.*,
        reviews.* exclude (issue_id),
        nullif(followed_up.original_id, rounds.issue_id) as original_id,
        coalesce(sent.deliveries_failed, 0) as deliveries_failed,
        coalesce(sent.deliveries_made, 0) > 0 or not_listed_yet.issue_id is not null as is_delivered,
        list_contains(rounds.held_versions, rounds.target_version_no) as holds_target,
        coalesce(
            rounds.last_version_no = rounds.target_version_no
            and rounds.last_obtained_at >= rounds.round_started_at,
            false
        ) as has_got_target_since,
        lateness.is_late
    from rounds
    cross join lateness
    inner join reviews on reviews.issue_id = rounds.issue_id
    left join followed_up on followed_up.issue_id = rounds.issue_id
    left join sent on sent.issue_id = rounds.issue_id
    left join not_listed_yet on not_listed_yet.issue_id = rounds.issue_id
),

found as (
    select
        *,
        case
            when not is_asset_known then 'unknown_subject'
            when round > 1 then 'review'
            when original_id is not null then 'duplicate'
            when category = 'wrong_territory' and (is_version_barred or (version_no is null and holds_barred))
                then 'removal'
            when is_late and category in ('outdated', 'missing') then 'unsure'
            when category = 'missing' and is_entitled and target_version_no is not null then 'delivery'
            when category not in ('outdated', 'corrupt', 'wrong_format') or target_version_no is null then 'review'
            when version_no < target_version_no then 'newer_version'
            when version_no <> target_version_no and (is_version_withdrawn or is_version_expired) then 'newer_version'
            when version_no is null and is_outdated and is_late then 'unsure'
            when version_no is null and (is_outdated or is_delivered or has_got_target_since) then 'newer_version'
            else 'review'
        end as finding,
        target_version_no is not null
        and target_version_no is distinct from faulty_version_no
        and case
            when outcome = 'replaced' and replacement_version_no is not null
                then target_version_no >= replacement_version_no
            when outcome is null or outcome = 'replaced'
                then target_version_no > coalesce(faulty_version_no, target_version_no)
            else false
        end as is_in_force
    from examined
),

promised as (
    select
        *,
        is_entitled
        and target_version_no is not null
        and vip_partner_id is not null
        and (finding = 'delivery' or not holds_target)
        and not is_delivered
        and deliveries_failed < 3 as needs_delivery
    from found
),

judged as (
    select
        *,
        case
            when not is_in_step then null
            when status in ('reported', 'reopened') then 'triaged'
            when status = 'triaged' and finding = 'duplicate' then 'duplicate'
            when status = 'triaged' and finding in ('removal', 'delivery', 'newer_version')
                then case when needs_delivery then 'delivery' else 'partner_notified' end
            when status = 'triaged' and finding = 'review'
                then case when outcome is null then 'review' else 'in_review' end
            when status = 'in_review' and not is_asset_known then null
            when status = 'in_review' and outcome is null then 'review'
            when status = 'in_review' and outcome = 'rejected' then 'rejected'
            when status = 'in_review' and outcome = 'replaced' then 'replacement_approved'
            when status = 'replacement_approved' and is_in_force then 'replacement_published'
            when status = 'replacement_approved' and outcome is null and lost_review_id is not null then 'in_review'
            when status = 'replacement_published' and is_in_force
                then case when needs_delivery then 'delivery' else 'partner_notified' end
            when status = 'replacement_published' and outcome is null and lost_review_id is not null then 'review'
        end as next_step
    from promised
),

counted as (
    select judged.issue_id, count(*) as times_before
    from judged
    inner join steps
        on steps.issue_id = judged.issue_id
        and steps.to_status = judged.next_step
        and steps.occurred_at >= judged.round_started_at
    group by judged.issue_id
),

issue_steps as (
    select
        judged.*,
        coalesce(counted.times_before, 0) as times_before,
        case
            when judged.next_step is not null then null
            when not judged.is_in_step then 'steps'
            when judged.status = 'partner_notified' then 'reporter'
            when judged.status = 'triaged' and judged.finding = 'unknown_subject' then 'name'
            when judged.status = 'triaged' and judged.finding = 'unsure' then 'data'
            when judged.outcome = 'running' then 'review'
            when judged.outcome = 'replaced' and not judged.is_replacement_barred then 'effect'
            else 'person'
        end as waits_for
    from judged
    left join counted on counted.issue_id = judged.issue_id
)

select * from issue_steps
