-- One row per rule that holds now for the members of a Trading Grid group: what VIP grants or denies them, and where not to.
-- Grain: group_id, object_type, object_id, effect, rights, usage_guidance, valid_from, valid_to, restricted_regions
-- Refresh: full
-- docs/patterns/rights.md. Access rules are the group's grants in force; those under an embargo, on a deleted segment
-- or asset, or on what VIP does not know, hold for nobody. Distribution rules (restricted_regions is not empty) say
-- where an asset that the group is allowed must not go: the regions of its versions that are live anywhere. Empty text
-- and the ends of time stand where VIP says nothing.
with groups as (select * from core.partner_groups),

grants as (
    select *
    from core.grants
    where
        grantee_type = 'partner_group'
        and valid_from <= $as_of
        and (valid_to is null or valid_to > $as_of)
        and len(rights) > 0
),

segments as (select * from core.segments where deleted_at is null or deleted_at > $as_of),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

packages as (select * from core.packages),

reaches as (select * from freshness.grant_assets where reaches_from <= $as_of and reaches_until > $as_of),

lives as (
    select *
    from freshness.unbarred_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

asset_versions as (select * from core.asset_versions where len(restricted_regions) > 0),

objects as (
    select 'segment' as object_type, segment_id as object_id, '-infinity'::timestamptz as open_from
    from segments
    union all
    select 'asset' as object_type, asset_id as object_id, '-infinity'::timestamptz as open_from
    from assets
    union all
    select 'package' as object_type, package_id as object_id, coalesce(embargo_until, '-infinity'::timestamptz) as open_from
    from packages
),

access_rules as (
    select
        groups.group_id,
        grants.object_type,
        grants.object_id,
        grants.effect,
        list_sort(list_distinct(grants.rights)) as rights,
        coalesce(grants.usage_guidance, '') as usage_guidance,
        grants.valid_from,
        coalesce(grants.valid_to, 'infinity'::timestamptz) as valid_to,
        []::varchar[] as restricted_regions,
        greatest(grants.valid_from, objects.open_from, grants.ordered_at) as since,
        grants.grant_id
    from grants
    inner join groups on groups.group_id = grants.grantee_id
    inner join objects
        on objects.object_type = grants.object_type
        and objects.object_id = grants.object_id
    where grants.effect = 'deny' or objects.open_from <= $as_of
),

restricted as (
    select
        lives.asset_id,
        list_sort(list_distinct(flatten(list(asset_versions.restricted_regions)))) as restricted_regions,
        max(lives.effective_at) as since
    from lives
    inner join asset_versions
        on asset_versions.asset_id = lives.asset_id
        and asset_versions.version_no = lives.version_no
    group by lives.asset_id
),

distribution_rules as (
    select
        groups.group_id,
        'asset' as object_type,
        restricted.asset_id as object_id,
        'deny' as effect,
        ['redistribute'] as rights,
        '' as usage_guidance,
        '-infinity'::timestamptz as valid_from,
        'infinity'::timestamptz as valid_to,
        restricted.restricted_regions,
        max(restricted.since) as since,
        min(grants.grant_id) as grant_id
    from restricted
    inner join reaches on reaches.asset_id = restricted.asset_id
    inner join grants on grants.grant_id = reaches.grant_id
    inner join groups on groups.group_id = grants.grantee_id
    where grants.effect = 'allow'
    group by groups.group_id, restricted.asset_id, restricted.restricted_regions
),

rules as (
    select * from access_rules
    union all
    select * from distribution_rules
),

distinct_rules as (
    select
        group_id,
        object_type,
        object_id,
        effect,
        rights,
        usage_guidance,
        valid_from,
        valid_to,
        restricted_regions,
        min(since) as since,
        list_sort(list(grant_id)) as grant_ids
    from rules
    group by all
)

select * from distinct_rules
