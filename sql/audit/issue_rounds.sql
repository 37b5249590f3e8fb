-- One row per issue that a partner reported by as_of: the round that it is in, and what is known of its subject.
-- Grain: issue_id
-- Refresh: full
-- docs/patterns/exceptions.md. A round begins with the report and with each reopening. is_in_step: the issue and its
-- steps say the same status (where no step is known, there is nothing to compare). faulty_version_no is the version that
-- the round is about: the one that the issue names, in later rounds the newer one that its reporter obtained since; null
-- where VIP does not know it. target_version_no is the target at the reporter's place, whether it is entitled or not.
-- bytes_differ: what reached the reporter had another checksum than the version. vip_partner_id is null where nobody can
-- say what the reporter is called in VIP.
with issues as (select * from core.issues),

steps as (select * from core.issue_events where occurred_at <= $as_of),

later_steps as (
    select issue_id, min(occurred_at) as next_step_at
    from core.issue_events
    where occurred_at > $as_of
    group by issue_id
),

reopened_editions as (
    select issue_id, count(*) as times_reopened
    from core.issues_history
    where status = 'reopened'
    group by issue_id
),

partners as (select * from core.partners),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'partner' and holds_from <= $as_of and holds_until > $as_of
),

asset_versions as (select * from core.asset_versions where checksum_sha256 is not null),

deliveries as (select * from core.deliveries where checksum_sha256 is not null),

acknowledgments as (
    select * from core.acknowledgments
    where content_digest is not null and occurred_at <= $as_of and (revoked_at is null or revoked_at > $as_of)
),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

positions as (select * from freshness.positions),

version_terms as (select * from freshness.version_terms),

targets as (
    select *
    from freshness.version_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

folded as (
    select
        issue_id,
        min(occurred_at) filter (where to_status = 'reported') as said_reported_at,
        min(occurred_at) as first_step_at,
        max(occurred_at) as last_step_at,
        max(occurred_at) filter (where to_status = 'reopened') as reopened_at,
        count(*) filter (where to_status = 'reopened') as times_reopened
    from steps
    group by issue_id
),

last_said as (
    select steps.issue_id, list(distinct steps.to_status) as statuses
    from steps
    inner join folded
        on folded.issue_id = steps.issue_id
        and folded.last_step_at = steps.occurred_at
    group by steps.issue_id
),

names_in_vip as (
    select target_id as partner_id, min(source_id) as vip_partner_id
    from identities
    where target_id is not null and target_id <> source_id
    group by target_id
),

names_of_others as (
    select source_id as partner_id
    from identities
    where target_id is distinct from source_id
),

digests as (
    select issues.issue_id, deliveries.checksum_sha256 as digest
    from issues
    inner join deliveries
        on deliveries.partner_id = issues.partner_id
        and deliveries.asset_id = issues.asset_id
        and deliveries.version_no = issues.version_no
    union all
    select issues.issue_id, acknowledgments.content_digest as digest
    from issues
    inner join acknowledgments
        on acknowledgments.partner_id = issues.partner_id
        and acknowledgments.asset_id = issues.asset_id
        and acknowledgments.version_no = issues.version_no
),

differing as (
    select distinct issues.issue_id
    from issues
    inner join digests on digests.issue_id = issues.issue_id
    inner join asset_versions
        on asset_versions.asset_id = issues.asset_id
        and asset_versions.version_no = issues.version_no
    where lower(digests.digest) <> lower(asset_versions.checksum_sha256)
),

reported as (
    select
        issues.issue_id,
        issues.partner_id,
        issues.asset_id,
        issues.source_asset_id,
        issues.version_no,
        issues.category,
        issues.severity,
        issues.description,
        issues.duplicate_of,
        coalesce(issues.status, 'reported') as status,
        coalesce(folded.said_reported_at, issues.created_at, folded.first_step_at, issues.ordered_at) as reported_at,
        coalesce(folded.last_step_at, issues.ordered_at) as status_since,
        folded.reopened_at,
        greatest(
            coalesce(folded.times_reopened, 0), coalesce(reopened_editions.times_reopened, 0)
        ) as times_reopened,
        last_said.issue_id is null
        or list_contains(last_said.statuses, coalesce(issues.status, 'reported')) as is_in_step,
        later_steps.next_step_at,
        differing.issue_id is not null as bytes_differ,
        coalesce(originals.partner_id <> issues.partner_id, false) as reveals_another_partner
    from issues
    left join folded on folded.issue_id = issues.issue_id
    left join last_said on last_said.issue_id = issues.issue_id
    left join later_steps on later_steps.issue_id = issues.issue_id
    left join reopened_editions on reopened_editions.issue_id = issues.issue_id
    left join differing on differing.issue_id = issues.issue_id
    left join issues as originals on originals.issue_id = issues.duplicate_of
),

placed as (
    select
        reported.*,
        1 + reported.times_reopened as round,
        case
            when reported.times_reopened > 0 then coalesce(reported.reopened_at, reported.status_since)
            else reported.reported_at
        end as round_started_at,
        assets.asset_id is not null as is_asset_known,
        coalesce(assets.classification, 'standard') as classification,
        case
            when names_in_vip.partner_id is not null then names_in_vip.vip_partner_id
            when partners.partner_id is not null and names_of_others.partner_id is null then reported.partner_id
        end as vip_partner_id,
        partners.locale,
        partners.region,
        partners.zone,
        targets.version_no as target_version_no,
        targets.effective_at as target_effective_at,
        positions.position,
        coalesce(positions.held_versions, []) as held_versions,
        positions.last_version_no,
        positions.last_obtained_at,
        coalesce(positions.is_outdated, false) as is_outdated,
        coalesce(positions.holds_barred, false) as holds_barred,
        coalesce(positions.entitled, false) as is_entitled
    from reported
    left join assets on assets.asset_id = reported.asset_id
    left join partners on partners.partner_id = reported.partner_id
    left join names_in_vip on names_in_vip.partner_id = reported.partner_id
    left join names_of_others on names_of_others.partner_id = reported.partner_id
    left join targets
        on targets.region = partners.region
        and targets.zone = partners.zone
        and targets.asset_id = reported.asset_id
    left join positions
        on positions.partner_id = reported.partner_id
        and positions.asset_id = reported.asset_id
    where reported.reported_at <= $as_of
),

rounds as (
    select
        placed.* exclude (reopened_at),
        version_terms.version_no is not null as is_version_known,
        coalesce(version_terms.is_barred, false) as is_version_barred,
        coalesce(version_terms.withdrawn_from <= $as_of, false) as is_version_withdrawn,
        coalesce(version_terms.expires_at <= $as_of, false) as is_version_expired,
        case
            when placed.times_reopened > 0 and placed.last_version_no > version_terms.version_no
                then placed.last_version_no
            else version_terms.version_no
        end as faulty_version_no
    from placed
    left join version_terms
        on version_terms.region = placed.region
        and version_terms.zone = placed.zone
        and version_terms.asset_id = placed.asset_id
        and version_terms.version_no = placed.version_no
)

select * from rounds
