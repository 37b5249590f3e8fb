-- One row per partner, asset and version that was to replace an older one that the partner had obtained: how it went.
-- Grain: partner_id, asset_id, version_no
-- Refresh: by partner_id, asset_id
-- Spine: freshness.versions_obtained
-- Changes at: freshness.version_lives.effective_at
-- What K6 counts (docs/domain.md, 11): versions whose life for the partner had begun by as_of. The clock runs from
-- started_at, the later of the life's begin and the first older copy, until the version was first obtained (reached).
-- What was not is censored: not_reached at the end of the version's life, open while it lives. prepositioned: obtained
-- before the life began. seconds is how long that was, exact; null while open. month is that in which the life began. A
-- partner that had no older version has no row.
with versions_obtained as (select * from freshness.versions_obtained),

partners as (select * from core.partners),

lives as (select * from freshness.version_lives where effective_at <= $as_of),

begun as (
    select
        region,
        zone,
        asset_id,
        version_no,
        min(effective_at) as effective_at,
        max(coalesce(ended_at, 'infinity'::timestamptz)) as ended_at
    from lives
    group by region, zone, asset_id, version_no
),

changes as (
    select
        versions_obtained.partner_id,
        versions_obtained.asset_id,
        begun.version_no,
        begun.effective_at,
        begun.ended_at,
        min(versions_obtained.first_obtained_at) filter (
            where versions_obtained.version_no = begun.version_no
        ) as first_obtained_at,
        min(versions_obtained.first_obtained_at) filter (
            where versions_obtained.version_no < begun.version_no
        ) as older_obtained_at
    from versions_obtained
    inner join partners on partners.partner_id = versions_obtained.partner_id
    inner join begun
        on begun.region = partners.region
        and begun.zone = partners.zone
        and begun.asset_id = versions_obtained.asset_id
        and begun.version_no >= versions_obtained.version_no
    group by
        versions_obtained.partner_id,
        versions_obtained.asset_id,
        begun.version_no,
        begun.effective_at,
        begun.ended_at
),

started as (
    select
        *,
        greatest(effective_at, older_obtained_at) as started_at,
        case
            when first_obtained_at < effective_at then 'prepositioned'
            when first_obtained_at is not null then 'reached'
            when ended_at <= $as_of then 'not_reached'
            else 'open'
        end as outcome
    from changes
    where older_obtained_at is not null
),

timed as (
    select
        partner_id,
        asset_id,
        version_no,
        effective_at,
        older_obtained_at,
        started_at,
        first_obtained_at,
        case when ended_at <= $as_of then ended_at end as ended_at,
        outcome,
        case
            when outcome = 'reached' then greatest(seconds_between(started_at, first_obtained_at), 0)
            when outcome = 'not_reached' then seconds_between(started_at, ended_at)
        end as seconds,
        utc_month(effective_at) as month,
        case when ended_at > $as_of and ended_at < 'infinity'::timestamptz then ended_at end as next_change_at
    from started
    where outcome <> 'not_reached' or started_at < ended_at
)

select * from timed
