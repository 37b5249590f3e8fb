-- One row per thing that is wrong with a version: its number was used for two files, or it changed nothing.
-- Grain: finding_id
-- Refresh: by asset_id
-- Spine: core.asset_versions
-- docs/domain.md, 8. A content change is held against the version before it.
with versions as (select * from core.asset_versions),

editions as (select * from core.asset_versions_history),

followed as (
    select
        asset_id,
        version_no,
        change_class,
        checksum_sha256,
        lag(version_no) over (partition by asset_id order by version_no) as earlier_version_no,
        lag(checksum_sha256) over (partition by asset_id order by version_no) as earlier_checksum_sha256
    from versions
),

unchanged as (
    select
        'content_change_equal_checksum' as rule,
        'warning' as severity,
        asset_id,
        version_no,
        'a content change has the checksum of version ' || earlier_version_no::varchar as detail
    from followed
    where change_class = 'content' and checksum_sha256 = earlier_checksum_sha256
),

reused as (
    select
        'version_number_reused' as rule,
        'error' as severity,
        asset_id,
        version_no,
        'the version number came back with another checksum' as detail
    from editions
    group by asset_id, version_no
    having count(distinct checksum_sha256) > 1
),

every_rule as (
    select * from unchanged
    union all
    select * from reused
),

conditions as (
    select
        rule || ':asset_version:' || asset_id || '|' || version_no::varchar as finding_id,
        rule,
        severity,
        'asset_version' as subject_type,
        asset_id || '|' || version_no::varchar as subject_id,
        null::varchar as partner_id,
        asset_id,
        version_no,
        detail
    from every_rule
)

select * from conditions
