-- One row per issue and partner that held the faulty version at any time from its report to as_of: was it informed?
-- Grain: partner_id, asset_id, issue_id
-- Refresh: by partner_id, asset_id
-- Only with: marts.exception_stages(asset_id)
-- Spine: freshness.obtained
-- Keyed in: marts.exception_stages(asset_id = asset_id)
-- Changes at: freshness.obtained.obtained_at, freshness.removals.attested_at, freshness.removals.revoked_at
-- Changes at: core.notices.posted_at, core.notices.retracted_at
-- The blast radius (docs/domain.md, 9, P3; 11, K11). The faulty version is the one that the issue names, else the one
-- that its review does; an issue of which nobody says the version has no holders here. Informed: since the report a
-- notice about the asset was posted to it (not retracted by as_of), or it has obtained a newer version, at any time up
-- to as_of.
with faulty as (select * from marts.exception_stages where asset_id is not null and version_no is not null),

obtained as (select * from freshness.obtained where version_no is not null and obtained_at <= $as_of),

removals as (
    select * from freshness.removals where attested_at <= $as_of and (revoked_at is null or revoked_at > $as_of)
),

notices as (
    select * from core.notices
    where kind in ('publish', 'version_change', 'withdrawal', 'expiry', 'issue_update')
        and posted_at <= $as_of
        and (retracted_at is null or retracted_at > $as_of)
),

copies as (
    select
        obtained.partner_id,
        obtained.asset_id,
        faulty.issue_id,
        faulty.version_no,
        faulty.partner_id as reporter_id,
        faulty.reported_at,
        obtained.subject_type,
        obtained.subject_id,
        obtained.obtained_at,
        min(removals.attested_at) as removed_at
    from faulty
    inner join obtained
        on obtained.asset_id = faulty.asset_id
        and obtained.version_no = faulty.version_no
    left join removals
        on removals.partner_id = obtained.partner_id
        and removals.asset_id = obtained.asset_id
        and removals.attested_at >= obtained.obtained_at
        and removals.spares_version_no is distinct from obtained.version_no
    group by all
),

holders as (
    select
        partner_id,
        asset_id,
        issue_id,
        version_no,
        reported_at,
        partner_id = reporter_id as is_reporter,
        min(obtained_at) as first_obtained_at,
        case when count(removed_at) = count(*) then max(removed_at) end as removed_at
    from copies
    where removed_at is null or removed_at > reported_at
    group by partner_id, asset_id, issue_id, version_no, reported_at, reporter_id
),

noticed as (
    select
        holders.partner_id,
        holders.issue_id,
        min(notices.posted_at) as noticed_at,
        arg_min(notices.notice_id, (notices.posted_at, notices.notice_id)) as notice_id
    from holders
    inner join notices
        on notices.partner_id = holders.partner_id
        and notices.asset_id = holders.asset_id
        and notices.posted_at >= holders.reported_at
    group by holders.partner_id, holders.issue_id
),

renewed as (
    select
        holders.partner_id,
        holders.issue_id,
        min(obtained.obtained_at) as renewed_at
    from holders
    inner join obtained
        on obtained.partner_id = holders.partner_id
        and obtained.asset_id = holders.asset_id
        and obtained.version_no > holders.version_no
    group by holders.partner_id, holders.issue_id
),

informed as (
    select
        holders.*,
        noticed.noticed_at,
        noticed.notice_id,
        renewed.renewed_at,
        noticed.noticed_at is not null or renewed.renewed_at is not null as is_informed
    from holders
    left join noticed
        on noticed.partner_id = holders.partner_id
        and noticed.issue_id = holders.issue_id
    left join renewed
        on renewed.partner_id = holders.partner_id
        and renewed.issue_id = holders.issue_id
)

select * from informed
