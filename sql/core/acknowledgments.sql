-- One row per acknowledgment as Trading Grid has it now: its latest edition, its asset under VIP's id.
-- Grain: ack_id
-- Refresh: by ack_id
-- Stored plain: ack_id, record_sha256, occurred_raw
-- Spine: core.acknowledgments_history
-- Touched by: core.identities(source_asset_id = source_id) through core.acknowledgments
-- Touched by: core.notices(notice_id) through core.acknowledgments_history
-- A missing asset is taken from the notice that it names, a missing version too, if that notice is about the same asset
-- (docs/domain.md, 7).
-- Only keys with more than one edition are sorted: of a stream this large hardly any.
-- What is read in several places has a name for each: of one name DuckDB first writes all columns down.
with editions as (select * from core.acknowledgments_history),

later_editions as (select ack_id from core.acknowledgments_history where edition > 1),

editions_again as (select * from core.acknowledgments_history),

repeated as (select distinct ack_id from later_editions),

ranked as (
    select
        editions.*,
        row_number() over (
            partition by editions.ack_id
            order by editions.ordered_at desc, coalesce(editions.record_sha256, '') desc, editions.edition desc
        ) as place
    from editions_again as editions
    semi join repeated on repeated.ack_id = editions.ack_id
),

latest as (
    select editions.*
    from editions
    anti join repeated on repeated.ack_id = editions.ack_id
    union all by name
    select * exclude (place) from ranked
    where place = 1
),

identities as (select * from core.identities where entity = 'asset'),

notices as (select * from core.notices),

resolved as (
    select
        latest.* exclude (asset_id, version_no),
        latest.asset_id as source_asset_id,
        latest.version_no as source_version_no,
        case
            when latest.asset_id is null then notices.asset_id
            when identities.source_id is null then latest.asset_id
            else identities.target_id
        end as asset_id,
        notices.asset_id as notice_asset_id,
        notices.version_no as notice_version_no
    from latest
    left join identities
        on identities.source_id = latest.asset_id
        and identities.holds_from <= latest.occurred_at
        and latest.occurred_at < identities.holds_until
    left join notices on notices.notice_id = latest.notice_id
),

completed as (
    select
        * exclude (notice_asset_id, notice_version_no),
        case
            when source_version_no is null and notice_asset_id = asset_id then notice_version_no else source_version_no
        end as version_no
    from resolved
)

select * from completed
