-- One row per contradiction between what VIP grants and segments say and what Trading Grid's groups say, with a proposed repair.
-- Grain: rule, subject_type, subject_id
-- Refresh: full
-- docs/patterns/rights.md has the rules. Segments and groups of one dimension correspond by their value. A group's
-- value is compared with its members' regions only where it is the code of some partner's region; in two region groups
-- of different values the later membership is the doubtful one.
with groups as (select * from core.partner_groups),

members as (
    select * from core.group_members where joined_at <= $as_of and (left_at is null or left_at > $as_of)
),

partners as (select * from core.partners where gone_from is null or gone_from > $as_of),

known_partners as (select * from core.partners),

grants as (
    select * from core.grants where valid_from <= $as_of and (valid_to is null or valid_to > $as_of)
),

segments as (select * from core.segments where deleted_at is null or deleted_at > $as_of),

known_segments as (select * from core.segments),

contents as (
    select * from core.segment_assets where added_at <= $as_of and (removed_at is null or removed_at > $as_of)
),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

coverage as (select * from freshness.segment_coverage where covers_until > $as_of),

given as (select * from freshness.grant_partners),

present_members as (
    select members.*, groups.dimension, groups.value, partners.region
    from members
    inner join groups on groups.group_id = members.group_id
    inner join partners on partners.partner_id = members.partner_id
),

region_codes as (
    select distinct groups.value
    from groups
    inner join partners on partners.region = groups.value or starts_with(partners.region, groups.value || '-')
    where groups.dimension = 'region'
),

unknown_groups as (
    select
        'grant_to_unknown_group' as rule,
        'error' as severity,
        'grant' as subject_type,
        grants.grant_id as subject_id,
        null::varchar as partner_id,
        grants.grantee_id as group_id,
        grants.object_id,
        'VIP grants ' || grants.object_type || ' ' || grants.object_id || ' to the group ' || grants.grantee_id
        || ', which Trading Grid does not know' as detail,
        'create the group in Trading Grid, or end the grant' as repair
    from grants
    left join groups on groups.group_id = grants.grantee_id
    where grants.grantee_type = 'partner_group' and groups.group_id is null
),

unknown_partners as (
    select
        'grant_to_unknown_partner' as rule,
        'error' as severity,
        'grant' as subject_type,
        grants.grant_id as subject_id,
        null::varchar as partner_id,
        null::varchar as group_id,
        grants.object_id,
        'VIP grants ' || grants.object_type || ' ' || grants.object_id || ' to the partner ' || grants.grantee_id
        || ', whom Trading Grid does not know' as detail,
        'tell xref who that partner is in Trading Grid, or end the grant' as repair
    from grants
    anti join given on given.grant_id = grants.grant_id
    left join known_partners on known_partners.partner_id = grants.grantee_id
    where grants.grantee_type = 'partner' and known_partners.partner_id is null
),

groups_granted as (
    select grantee_id as group_id, count(*) as grants
    from grants
    where grantee_type = 'partner_group'
    group by grantee_id
),

without_members as (
    select
        'group_without_members' as rule,
        'warning' as severity,
        'partner_group' as subject_type,
        groups.group_id as subject_id,
        null::varchar as partner_id,
        groups.group_id,
        null::varchar as object_id,
        'nobody is in the group, and ' || groups_granted.grants
        || case when groups_granted.grants = 1 then ' grant is' else ' grants are' end || ' given to it' as detail,
        'add its members in Trading Grid, or end its grants' as repair
    from groups_granted
    inner join groups on groups.group_id = groups_granted.group_id
    anti join present_members on present_members.group_id = groups_granted.group_id
),

segments_filled as (
    select distinct coverage.ancestor_id as segment_id
    from coverage
    inner join contents on contents.segment_id = coverage.segment_id
    inner join assets on assets.asset_id = contents.asset_id
),

without_assets as (
    select
        'segment_without_assets' as rule,
        'warning' as severity,
        'segment' as subject_type,
        segments.segment_id as subject_id,
        null::varchar as partner_id,
        null::varchar as group_id,
        segments.segment_id as object_id,
        'the segment and those below it hold no asset, and it is granted' as detail,
        'add its assets in VIP, or end the grants on it' as repair
    from segments
    semi join grants on grants.object_type = 'segment' and grants.object_id = segments.segment_id
    anti join segments_filled on segments_filled.segment_id = segments.segment_id
),

deleted_segments as (
    select
        'grant_on_deleted_segment' as rule,
        'warning' as severity,
        'grant' as subject_type,
        grants.grant_id as subject_id,
        null::varchar as partner_id,
        case when grants.grantee_type = 'partner_group' then grants.grantee_id end as group_id,
        grants.object_id,
        'it is on the segment ' || grants.object_id || ', which VIP has deleted or does not have' as detail,
        'end the grant, or move it to the segment that replaced this one' as repair
    from grants
    anti join segments on segments.segment_id = grants.object_id
    where grants.object_type = 'segment'
),

mismatches as (
    select
        'segment_group_value_mismatch' as rule,
        'warning' as severity,
        'grant' as subject_type,
        grants.grant_id as subject_id,
        null::varchar as partner_id,
        groups.group_id,
        segments.segment_id as object_id,
        'the group ' || groups.group_id || ' is ' || groups.dimension || ' "' || groups.value
        || '", but what it is granted is "' || segments.value || '"' as detail,
        'give group and segment one value, or grant the group the segment of its value' as repair
    from grants
    inner join groups on groups.group_id = grants.grantee_id
    inner join segments on segments.segment_id = grants.object_id
    where grants.grantee_type = 'partner_group'
        and grants.object_type = 'segment'
        and groups.dimension = segments.dimension
        and groups.value <> segments.value
),

leaves as (
    select segments.*
    from segments
    left join segments as children on children.parent_segment_id = segments.segment_id
    where children.segment_id is null
),

segments_alone as (
    select
        'segment_without_group' as rule,
        'warning' as severity,
        'segment' as subject_type,
        leaves.segment_id as subject_id,
        null::varchar as partner_id,
        null::varchar as group_id,
        leaves.segment_id as object_id,
        'Trading Grid has no group of ' || leaves.dimension || ' "' || leaves.value || '"' as detail,
        'create that group in Trading Grid, or delete the segment' as repair
    from leaves
    anti join groups on groups.dimension = leaves.dimension and groups.value = leaves.value
),

groups_alone as (
    select
        'group_without_segment' as rule,
        'warning' as severity,
        'partner_group' as subject_type,
        groups.group_id as subject_id,
        null::varchar as partner_id,
        groups.group_id,
        null::varchar as object_id,
        'VIP has segments by ' || groups.dimension || ', but none of "' || groups.value || '"' as detail,
        'create that segment in VIP, or dissolve the group' as repair
    from groups
    semi join known_segments on known_segments.dimension = groups.dimension
    anti join segments on segments.dimension = groups.dimension and segments.value = groups.value
    anti join mismatches on mismatches.group_id = groups.group_id
),

strangers as (
    select
        'member_outside_region' as rule,
        'warning' as severity,
        'partner_group' as subject_type,
        present_members.group_id || '|' || present_members.partner_id as subject_id,
        present_members.partner_id,
        present_members.group_id,
        null::varchar as object_id,
        'its region is ' || present_members.region || ', but it is in the group of ' || present_members.value as detail,
        'take it out of the group ' || present_members.group_id || ' in Trading Grid, or correct its region' as repair
    from present_members
    semi join region_codes on region_codes.value = present_members.value
    where present_members.dimension = 'region'
        and present_members.region <> present_members.value
        and not starts_with(present_members.region, present_members.value || '-')
),

first_regions as (
    select
        partner_id,
        arg_min(value, (joined_at, group_id)) as value
    from present_members
    where dimension = 'region'
    group by partner_id
),

doubtful as (
    select
        'member_of_two_regions' as rule,
        'warning' as severity,
        'partner_group' as subject_type,
        present_members.group_id || '|' || present_members.partner_id as subject_id,
        present_members.partner_id,
        present_members.group_id,
        null::varchar as object_id,
        'it is in a group of ' || first_regions.value || ' and was put into one of ' || present_members.value as detail,
        'take it out of the group ' || present_members.group_id || ' in Trading Grid' as repair
    from present_members
    inner join first_regions on first_regions.partner_id = present_members.partner_id
    anti join strangers
        on strangers.partner_id = present_members.partner_id
        and strangers.group_id = present_members.group_id
    where present_members.dimension = 'region'
        and present_members.value <> first_regions.value
        and not starts_with(present_members.value, first_regions.value || '-')
        and not starts_with(first_regions.value, present_members.value || '-')
),

denied as (
    select distinct
        'member_denied_by_grant' as rule,
        'warning' as severity,
        'grant' as subject_type,
        denials.grant_id as subject_id,
        given.partner_id,
        allowed.grantee_id as group_id,
        denials.object_id,
        'VIP denies it the ' || denials.object_type || ' ' || denials.object_id || ', which its group '
        || allowed.grantee_id || ' is granted' as detail,
        'take it out of the group in Trading Grid, or end the denial in VIP' as repair
    from grants as denials
    inner join given
        on given.grant_id = denials.grant_id
        and given.given_from <= $as_of
        and given.given_until > $as_of
    inner join present_members on present_members.partner_id = given.partner_id
    inner join grants as allowed
        on allowed.grantee_id = present_members.group_id
        and allowed.object_type = denials.object_type
        and allowed.object_id = denials.object_id
    where denials.grantee_type = 'partner'
        and denials.effect = 'deny'
        and allowed.grantee_type = 'partner_group'
        and allowed.effect = 'allow'
    qualify row_number() over (partition by denials.grant_id order by allowed.grantee_id) = 1
),

drift as (
    select * from unknown_groups
    union all
    select * from unknown_partners
    union all
    select * from without_members
    union all
    select * from without_assets
    union all
    select * from deleted_segments
    union all
    select * from mismatches
    union all
    select * from segments_alone
    union all
    select * from groups_alone
    union all
    select * from strangers
    union all
    select * from doubtful
    union all
    select * from denied
)

select * from drift
