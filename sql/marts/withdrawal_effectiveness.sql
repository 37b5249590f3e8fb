-- One row per version withdrawn by as_of: who held it then, who was told, who answered, who is rid of it.
-- Grain: asset_id, version_no
-- Refresh: full
-- docs/domain.md, 11, K8. The counts are of marts.withdrawal_holders that were holding it at the withdrawal, and of
-- marts.withdrawal_accesses. completion_p50/p90: Kaplan-Meier estimates of the time from the withdrawal until the last
-- copy was attested removed, for those holders, the others being censored at as_of; replacement_*: until then or until
-- they had a later version, whichever came first. Null: not reached. unknown_downloads: by nobody that can be told, so
-- that there may be more holders than holders_known.
with versions as (select * from core.asset_versions where withdrawn_from <= $as_of),

assets as (select * from core.assets),

holders as (select * from marts.withdrawal_holders),

accesses as (select * from marts.withdrawal_accesses),

quantiles as (select * from marts.process_quantiles where figure = 'K8' and dimension = 'withdrawal'),

counted as (
    select
        asset_id,
        version_no,
        count(*) filter (where was_holding) as holders_known,
        count(*) filter (where was_holding and notified_at is not null) as notified,
        count(*) filter (where was_holding and responded_at is not null) as responded,
        count(*) filter (where was_holding and not is_holding) as completed,
        count(*) filter (where was_holding and is_silent) as silent,
        count(*) filter (where was_holding and is_holding) as still_holding,
        count(*) filter (where was_holding and (replaced_at is not null or not is_holding)) as replaced,
        count(*) filter (where last_obtained_at >= withdrawn_at) as partners_obtained_after,
        max(removed_at) filter (where was_holding) as last_removed_at
    from holders
    group by asset_id, version_no
),

accessed as (
    select
        asset_id,
        version_no,
        sum(accesses_after) filter (where partner_id is not null) as accesses_after,
        sum(downloads_after) filter (where partner_id is not null) as downloads_after,
        sum(downloads) filter (where partner_id is null) as unknown_downloads,
        sum(downloads_after) filter (where partner_id is null) as unknown_downloads_after
    from accesses
    group by asset_id, version_no
),

estimated as (
    select
        dimension_value,
        max(value) filter (where measure = 'completion_p50') as completion_p50_seconds,
        max(value) filter (where measure = 'completion_p90') as completion_p90_seconds,
        max(value) filter (where measure = 'replacement_p50') as replacement_p50_seconds,
        max(value) filter (where measure = 'replacement_p90') as replacement_p90_seconds
    from quantiles
    group by dimension_value
),

effectiveness as (
    select
        versions.asset_id,
        versions.version_no,
        assets.title as asset_title,
        assets.brand,
        assets.classification,
        versions.withdrawn_from as withdrawn_at,
        versions.withdrawal_reason,
        coalesce(counted.holders_known, 0) as holders_known,
        coalesce(counted.notified, 0) as notified,
        coalesce(counted.responded, 0) as responded,
        coalesce(counted.completed, 0) as completed,
        coalesce(counted.silent, 0) as silent,
        coalesce(counted.still_holding, 0) as still_holding,
        coalesce(counted.replaced, 0) as replaced,
        coalesce(accessed.accesses_after, 0)::bigint as accesses_after,
        coalesce(accessed.downloads_after, 0)::bigint as downloads_after,
        coalesce(counted.partners_obtained_after, 0) as partners_obtained_after,
        coalesce(accessed.unknown_downloads, 0)::bigint as unknown_downloads,
        coalesce(accessed.unknown_downloads_after, 0)::bigint as unknown_downloads_after,
        case
            when counted.holders_known > 0 then counted.completed::double / counted.holders_known
        end as completed_rate,
        estimated.completion_p50_seconds,
        estimated.completion_p90_seconds,
        versions.withdrawn_from + to_microseconds(
            cast(round(estimated.completion_p90_seconds * 1000000) as bigint)
        ) as completion_p90_at,
        estimated.replacement_p50_seconds,
        estimated.replacement_p90_seconds,
        counted.last_removed_at
    from versions
    left join assets on assets.asset_id = versions.asset_id
    left join counted
        on counted.asset_id = versions.asset_id
        and counted.version_no = versions.version_no
    left join accessed
        on accessed.asset_id = versions.asset_id
        and accessed.version_no = versions.version_no
    left join estimated
        on estimated.dimension_value = versions.asset_id || '|' || versions.version_no::varchar
)

select * from effectiveness
