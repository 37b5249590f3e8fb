-- One row per place, version and occasion on which a notice about it falls due there: it takes effect, or is gone.
-- Grain: region, zone, asset_id, version_no, kind, notice_due_at
-- Refresh: by asset_id
-- Spine: freshness.version_lives, freshness.version_terms
-- docs/domain.md, 9: publish for the first version that lives in the place, version_change for every other life, at the
-- later of the approval and effective_at less announce_before; a version that is the target again is announced when it
-- becomes it. withdrawal and expiry at that instant, whether it lived or not. Whoever becomes entitled before open_until
-- joins late. What ended before the go-live is no occasion.
with lives as (select * from freshness.version_lives),

terms as (select * from freshness.version_terms),

versions as (select * from core.asset_versions),

settings as (select * from ops.notice_settings),

numbered as (
    select
        *,
        row_number() over (partition by region, zone, asset_id order by effective_at, version_no) as place
    from lives
),

beginnings as (
    select
        numbered.region,
        numbered.zone,
        numbered.asset_id,
        numbered.version_no,
        case when numbered.place = 1 then 'publish' else 'version_change' end as kind,
        case
            when numbered.is_reinstated then numbered.effective_at
            else greatest(
                versions.approved_at, numbered.effective_at - to_seconds(settings.announce_before_seconds)
            )
        end as notice_due_at,
        coalesce(numbered.ended_at, 'infinity'::timestamptz) as open_until
    from numbered
    cross join settings
    inner join versions
        on versions.asset_id = numbered.asset_id
        and versions.version_no = numbered.version_no
    where numbered.ended_at is null or numbered.ended_at > settings.notify_from
),

withdrawals as (
    select
        terms.region,
        terms.zone,
        terms.asset_id,
        terms.version_no,
        'withdrawal' as kind,
        terms.withdrawn_from as notice_due_at,
        terms.withdrawn_from as open_until
    from terms
    cross join settings
    where terms.withdrawn_from >= settings.notify_from
),

expiries as (
    select
        terms.region,
        terms.zone,
        terms.asset_id,
        terms.version_no,
        'expiry' as kind,
        terms.expires_at as notice_due_at,
        terms.expires_at as open_until
    from terms
    cross join settings
    where terms.expires_at >= settings.notify_from
),

every_kind as (
    select * from beginnings
    union all
    select * from withdrawals
    union all
    select * from expiries
),

occasions as (
    select *, case when notice_due_at > $as_of then notice_due_at end as next_change_at
    from every_kind
)

select * from occasions
