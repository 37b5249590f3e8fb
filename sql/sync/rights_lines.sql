-- One row per publication of a group's rules that arrived within the last thirty days: the rules, and what is new and gone, in lines.
-- Grain: action_key
-- Refresh: full
-- Lines for a partner: what VIP calls the thing, and the rights as codes that are put into words ({view}). At most twenty of a kind are spelled out. Of
-- a group's first publication that is new which has begun since the go-live: all else was there before we said so.
with publications as (
    select * from sync.rights_publications where is_last_sent and sent_at > $as_of - interval 30 days
),

settings as (select * from ops.notice_settings),

segments as (select * from core.segments),

assets as (select * from core.assets),

packages as (select * from core.packages),

asset_names as (select * from sync.asset_names where trading_grid_asset_id is not null),

labels as (
    select 'segment' as object_type, segment_id as object_id, name as label
    from segments
    union all
    select 'package' as object_type, package_id as object_id, name as label
    from packages
    union all
    select 'asset' as object_type, asset_names.trading_grid_asset_id as object_id, min(assets.title) as label
    from asset_names
    inner join assets on assets.asset_id = asset_names.asset_id
    group by asset_names.trading_grid_asset_id
),

exploded as (
    select action_key, true as is_now, unnest(from_json(rules, '["json"]')) as rule_said
    from publications
    union all
    select action_key, false as is_now, unnest(from_json(rules_before, '["json"]')) as rule_said
    from publications
    where rules_before is not null
),

compared as (
    select action_key, rule_said, bool_or(is_now) as is_now, bool_or(not is_now) as was_before
    from exploded
    group by action_key, rule_said
),

spelled as (
    select
        compared.action_key,
        compared.is_now,
        case
            when publications.rules_before is not null then compared.is_now and not compared.was_before
            else coalesce(as_instant(json_extract_string(compared.rule_said, '$.valid_from')) >= settings.notify_from, false)
        end as is_new,
        compared.was_before and not compared.is_now as is_gone,
        as_instant(json_extract_string(compared.rule_said, '$.valid_from')) as valid_from,
        '- ' || coalesce(labels.label, json_extract_string(compared.rule_said, '$.object_id')) || ': '
        || case when json_extract_string(compared.rule_said, '$.effect') = 'deny' then '{deny} ' else '' end
        || array_to_string(
            list_transform(
                from_json(json_extract(compared.rule_said, '$.rights'), '["varchar"]'), lambda one: '{' || one || '}'
            ),
            ', '
        )
        || coalesce(
            ' [' || array_to_string(
                from_json(json_extract(compared.rule_said, '$.restricted_regions'), '["varchar"]'), ', '
            ) || ']', ''
        )
        || coalesce(' (→ ' || left(json_extract_string(compared.rule_said, '$.valid_to'), 10) || ')', '')
        || coalesce(' – ' || left(json_extract_string(compared.rule_said, '$.usage_guidance'), 200), '') as line
    from compared
    cross join settings
    inner join publications on publications.action_key = compared.action_key
    left join labels
        on labels.object_type = json_extract_string(compared.rule_said, '$.object_type')
        and labels.object_id = json_extract_string(compared.rule_said, '$.object_id')
),

grouped as (
    select
        action_key,
        list(line order by line) filter (where is_now) as rules,
        list(line order by line) filter (where is_new) as new_rules,
        list(line order by line) filter (where is_gone) as gone_rules,
        max(valid_from) filter (where is_new) as new_from
    from spelled
    group by action_key
),

shortened as (
    select
        publications.action_key,
        publications.group_id,
        publications.revision,
        publications.sent_at,
        publications.rules_before is null as is_first,
        coalesce(len(grouped.rules), 0) as rule_count,
        coalesce(len(grouped.new_rules), 0) as new_count,
        coalesce(len(grouped.gone_rules), 0) as gone_count,
        grouped.new_from,
        coalesce(
            array_to_string(grouped.rules[1:20], chr(10)) || case when len(grouped.rules) > 20 then chr(10) || '…' else '' end,
            ''
        ) as rules,
        coalesce(
            array_to_string(grouped.new_rules[1:20], chr(10))
            || case when len(grouped.new_rules) > 20 then chr(10) || '…' else '' end,
            ''
        ) as new_rules,
        coalesce(
            array_to_string(grouped.gone_rules[1:20], chr(10))
            || case when len(grouped.gone_rules) > 20 then chr(10) || '…' else '' end,
            ''
        ) as gone_rules
    from publications
    left join grouped on grouped.action_key = publications.action_key
)

select * from shortened
