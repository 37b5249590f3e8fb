-- One row per life of a version in a time zone: as if nothing were barred, and again in each region where its asset's bars count.
-- Grain: is_bar_ignored, region, zone, asset_id, version_no, effective_at
-- Refresh: by asset_id
-- Spine: freshness.version_instants
-- docs/domain.md, 4: approved and, unless bars are ignored, not barred; ends by withdrawal, expiry or the next version
-- that lives; an empty life is none. Where the asset says reinstate_previous, a withdrawal gives earlier versions further
-- lives. region is '' where bars are ignored. Of a region where no version of the asset is barred there is no row: its
-- lives are those without bars.
with instants as (select * from freshness.version_instants),

terms as (select * from freshness.version_terms),

assets as (select * from core.assets),

regions_with_bars as (select distinct region, asset_id from terms where is_barred),

approved as (
    select
        true as is_bar_ignored,
        '' as region,
        instants.* exclude (approval_status)
    from instants
    where instants.approval_status in ('approved', 'revoked')
    union all by name
    select
        false as is_bar_ignored,
        terms.* exclude (approval_status, is_barred)
    from terms
    inner join regions_with_bars
        on regions_with_bars.region = terms.region
        and regions_with_bars.asset_id = terms.asset_id
    where terms.approval_status in ('approved', 'revoked') and not terms.is_barred
),

candidates as (
    select
        is_bar_ignored,
        region,
        zone,
        asset_id,
        version_no,
        effective_at,
        resolution_flag,
        coalesce(withdrawn_from, 'infinity'::timestamptz) as withdrawn_from,
        coalesce(expires_at, 'infinity'::timestamptz) as expires_at,
        least(
            coalesce(withdrawn_from, 'infinity'::timestamptz), coalesce(expires_at, 'infinity'::timestamptz)
        ) as gone_from
    from approved
    where effective_at is not null
),

able_to_live as (select * from candidates where effective_at < gone_from),

followed as (
    select
        *,
        coalesce(
            lead(effective_at) over (
                partition by is_bar_ignored, region, zone, asset_id order by effective_at, version_no
            ),
            'infinity'::timestamptz
        ) as superseded_from
    from able_to_live
),

first_lives as (
    select
        *,
        least(gone_from, superseded_from) as ended_at,
        case
            when withdrawn_from = least(gone_from, superseded_from) and withdrawn_from < 'infinity'::timestamptz
                then 'withdrawn'
            when expires_at = least(gone_from, superseded_from) and expires_at < 'infinity'::timestamptz
                then 'expired'
            when superseded_from < 'infinity'::timestamptz then 'superseded'
        end as end_reason
    from followed
    where superseded_from > effective_at
),

placed as (
    select
        *,
        row_number() over (
            partition by is_bar_ignored, region, zone, asset_id order by effective_at, version_no
        ) as place
    from first_lives
),

gaps as (
    select
        placed.is_bar_ignored,
        placed.region,
        placed.zone,
        placed.asset_id,
        placed.place,
        placed.ended_at as gap_from,
        coalesce(following.effective_at, 'infinity'::timestamptz) as gap_until
    from placed
    inner join assets
        on assets.asset_id = placed.asset_id
        and assets.on_withdraw = 'reinstate_previous'
    left join placed as following
        on following.is_bar_ignored = placed.is_bar_ignored
        and following.region = placed.region
        and following.zone = placed.zone
        and following.asset_id = placed.asset_id
        and following.place = placed.place + 1
    where placed.end_reason = 'withdrawn'
),

successors as (
    select
        placed.is_bar_ignored,
        placed.region,
        placed.zone,
        placed.asset_id,
        placed.version_no,
        placed.withdrawn_from,
        placed.expires_at,
        placed.gone_from,
        gaps.gap_until,
        greatest(
            gaps.gap_from,
            max(placed.gone_from) over (
                partition by gaps.is_bar_ignored, gaps.region, gaps.zone, gaps.asset_id, gaps.place
                order by placed.place desc
                rows between unbounded preceding and 1 preceding
            )
        ) as effective_at
    from gaps
    inner join placed
        on placed.is_bar_ignored = gaps.is_bar_ignored
        and placed.region = gaps.region
        and placed.zone = gaps.zone
        and placed.asset_id = gaps.asset_id
        and placed.place < gaps.place
),

reinstated as (
    select
        is_bar_ignored,
        region,
        zone,
        asset_id,
        version_no,
        effective_at,
        least(gone_from, gap_until) as ended_at,
        case
            when withdrawn_from = least(gone_from, gap_until) and withdrawn_from < 'infinity'::timestamptz
                then 'withdrawn'
            when expires_at = least(gone_from, gap_until) and expires_at < 'infinity'::timestamptz then 'expired'
            when gap_until < 'infinity'::timestamptz then 'superseded'
        end as end_reason,
        true as is_reinstated,
        null::varchar as resolution_flag
    from successors
    where effective_at < least(gone_from, gap_until)
),

lives as (
    select
        is_bar_ignored,
        region,
        zone,
        asset_id,
        version_no,
        effective_at,
        ended_at,
        end_reason,
        false as is_reinstated,
        resolution_flag
    from first_lives
    union all
    select
        is_bar_ignored,
        region,
        zone,
        asset_id,
        version_no,
        effective_at,
        ended_at,
        end_reason,
        is_reinstated,
        resolution_flag
    from reinstated
),

ended as (
    select * exclude (ended_at), nullif(ended_at, 'infinity'::timestamptz) as ended_at from lives
)

select * from ended
