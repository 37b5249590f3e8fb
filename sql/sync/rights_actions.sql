-- One row per group whose access rules are others now than those that Trading Grid was last given.
-- Grain: action_text
-- Refresh: full
-- The columns' meaning is sql/sync/desired_actions.sql; docs/patterns/rights.md. The text names the rules by their
-- digest and by a revision, one more than the last that was on its way, so that a return to older rules is published
-- too. A group that never had rules is told nothing. Rules about assets without a name in Trading Grid are left out,
-- and groups with more rules than it takes are not published; both are findings.
with groups as (select * from core.partner_groups),

access_rules as (select * from audit.access_rules),

asset_names as (select * from sync.asset_names where trading_grid_asset_id is not null),

publications as (select * from sync.rights_publications),

named as (
    select
        access_rules.group_id,
        access_rules.object_type,
        coalesce(asset_names.trading_grid_asset_id, access_rules.object_id) as object_id,
        access_rules.effect,
        access_rules.rights,
        access_rules.usage_guidance,
        access_rules.valid_from,
        access_rules.valid_to,
        access_rules.restricted_regions,
        access_rules.since,
        access_rules.grant_ids
    from access_rules
    left join asset_names
        on access_rules.object_type = 'asset'
        and asset_names.asset_id = access_rules.object_id
    where access_rules.object_type <> 'asset' or asset_names.asset_id is not null
),

written as (
    select
        *,
        json_object(
            'object_type', object_type,
            'object_id', object_id,
            'effect', effect,
            'rights', rights,
            'usage_guidance', nullif(usage_guidance, ''),
            'valid_from', case when isfinite(valid_from) then instant_text(valid_from) end,
            'valid_to', case when isfinite(valid_to) then instant_text(valid_to) end,
            'restricted_regions', nullif(restricted_regions, [])
        ) as rule_said
    from named
),

lists as (
    select
        group_id,
        to_json(list(rule_said order by object_type, object_id, effect, cast(rule_said as varchar))) as rules,
        count(*) as rule_count,
        max(since) as since,
        list_sort(list_distinct(flatten(list(grant_ids)))) as grant_ids
    from written
    group by group_id
),

wanted as (
    select
        groups.group_id,
        groups.name as group_name,
        coalesce(lists.rules, '[]'::json) as rules,
        coalesce(lists.rule_count, 0) as rule_count,
        lists.since,
        coalesce(lists.grant_ids, []) as grant_ids,
        left(sha256(cast(coalesce(lists.rules, '[]'::json) as varchar)), 16) as digest
    from groups
    left join lists on lists.group_id = groups.group_id
    where coalesce(lists.rule_count, 0) <= 1000
),

last_tries as (select * from publications where is_last),

compared as (
    select
        wanted.*,
        last_tries.digest as last_digest,
        last_tries.was_sent as last_was_sent,
        case
            when last_tries.digest = wanted.digest then last_tries.revision else coalesce(last_tries.revision, 0) + 1
        end as revision
    from wanted
    left join last_tries on last_tries.group_id = wanted.group_id
    where (last_tries.group_id is not null or wanted.rule_count > 0)
        and not coalesce(last_tries.was_sent and last_tries.digest = wanted.digest, false)
),

rights_actions as (
    select
        'P5|' || key_part(group_id) || '|rules|' || digest || '|' || revision as action_text,
        'P5' as pattern,
        'trading_grid' as target_system,
        'publish_access_rules' as operation,
        'partner_group' as subject_type,
        group_id as subject_id,
        'rules:' || digest || ':' || revision as step,
        null::varchar as partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        json_object(
            'group_id', group_id,
            'rules', rules,
            'summary', left(coalesce(group_name, group_id), 200) || ': ' || rule_count
            || case when rule_count = 1 then ' rule' else ' rules' end
        ) as payload,
        case
            when last_digest is null then 'Trading Grid has no rules of this group yet.'
            when rule_count = 0 then 'VIP grants this group nothing any more.'
            else 'The rules of this group are others than those published last.'
        end as reason,
        case when last_digest is null then 'rules_not_published' else 'rules_changed' end as rule,
        to_json(grant_ids) as evidence,
        since as due_at,
        false as is_urgent
    from compared
)

select * from rights_actions
