-- One row per partner and change of the rules that apply to it: by its group, by joining or leaving one, by a grant of its own.
-- Grain: partner_id, subject_type, subject_id, step
-- Refresh: full
-- docs/patterns/rights.md. A group's rules are told of once they are published; what is older than thirty days is no
-- news. A grant on a campaign's package is told of by the package. said is for the template: docs/notices.md. Who joins
-- late is told in one what it should have and does not (missing), beside the notice of each version.
with groups as (select * from core.partner_groups),

members as (select * from core.group_members),

partners as (select * from core.partners),

settings as (select * from ops.notice_settings),

rights_lines as (select * from sync.rights_lines),

access_rules as (select * from audit.access_rules),

grant_editions as (select * from core.grants_history where grantee_type = 'partner'),

grants as (select * from core.grants where grantee_type = 'partner'),

given as (select * from freshness.grant_partners),

segments as (select * from core.segments),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

packages as (select * from core.packages where campaign_id is null),

lacking as (
    select * from freshness.positions
    where entitled and target_version_no is not null and position in ('never_held', 'stale_in_grace', 'stale_overdue')
),

asset_names as (select * from sync.asset_names),

told_groups as (
    select rights_lines.*, groups.name as group_name
    from rights_lines
    inner join groups on groups.group_id = rights_lines.group_id
    where (rights_lines.new_count > 0 or rights_lines.gone_count > 0)
),

by_publication as (
    select distinct
        members.partner_id,
        'rules:' || told_groups.group_id || ':' || told_groups.revision as step,
        'rules_of_its_group_changed' as rule,
        told_groups.sent_at as notice_due_at,
        'partner_group' as subject_type,
        told_groups.group_id as subject_id,
        json_object(
            'group_name', coalesce(told_groups.group_name, told_groups.group_id),
            'change', case
                when told_groups.is_first then 'granted' when told_groups.rule_count = 0 then 'ended' else 'changed'
            end,
            'rules', told_groups.rules,
            'new_rules', told_groups.new_rules,
            'gone_rules', told_groups.gone_rules,
            'from_at', coalesce(instant_text(told_groups.new_from), '')
        ) as said,
        to_json([told_groups.group_id]) as evidence
    from told_groups
    inner join members on members.group_id = told_groups.group_id
    where members.joined_at <= told_groups.sent_at
        and (members.left_at is null or members.left_at > $as_of)
),

moves as (
    select group_id, partner_id, joined_at as moved_at, 'joined' as move
    from members
    where joined_at <= $as_of and (left_at is null or left_at > $as_of)
    union all
    select group_id, partner_id, max(left_at) as moved_at, 'left' as move
    from members
    where joined_at <= $as_of
    group by group_id, partner_id
    having bool_and(left_at is not null and left_at <= $as_of)
),

group_lines as (
    select
        access_rules.group_id,
        list(
            '- ' || coalesce(segments.name, assets.title, packages.name, access_rules.object_id) || ': '
            || case when access_rules.effect = 'deny' then '{deny} ' else '' end
            || array_to_string(list_transform(access_rules.rights, lambda one: '{' || one || '}'), ', ')
            || case
                when len(access_rules.restricted_regions) > 0
                    then ' [' || array_to_string(access_rules.restricted_regions, ', ') || ']'
                else ''
            end
        ) as lines
    from access_rules
    left join segments on access_rules.object_type = 'segment' and segments.segment_id = access_rules.object_id
    left join assets on access_rules.object_type = 'asset' and assets.asset_id = access_rules.object_id
    left join packages on access_rules.object_type = 'package' and packages.package_id = access_rules.object_id
    group by access_rules.group_id
),

by_membership as (
    select
        moves.partner_id,
        moves.move || ':' || moves.group_id || ':' || instant_text(moves.moved_at) as step,
        moves.move || '_a_group_with_rules' as rule,
        moves.moved_at as notice_due_at,
        'partner_group' as subject_type,
        moves.group_id as subject_id,
        json_object(
            'group_name', coalesce(groups.name, groups.group_id),
            'change', case when moves.move = 'joined' then 'granted' else 'ended' end,
            case when moves.move = 'joined' then 'new_rules' else 'gone_rules' end,
            array_to_string(list_sort(group_lines.lines)[1:20], chr(10))
            || case when len(group_lines.lines) > 20 then chr(10) || '…' else '' end,
            'from_at', instant_text(moves.moved_at)
        ) as said,
        to_json([moves.group_id]) as evidence
    from moves
    inner join partners on partners.partner_id = moves.partner_id
    inner join groups on groups.group_id = moves.group_id
    inner join group_lines on group_lines.group_id = moves.group_id
    where moves.moved_at > $as_of - interval 30 days
        and (partners.gone_from is null or partners.gone_from > moves.moved_at)
),

said_so as (
    select
        grant_id,
        edition,
        ordered_at,
        concat_ws('|', object_type, object_id, effect, list_sort(rights), usage_guidance) as meaning,
        valid_to
    from grant_editions
),

steps_of_grants as (
    select
        *,
        row_number() over in_order as place,
        lag(meaning) over in_order as meaning_before,
        lag(valid_to) over in_order as valid_to_before
    from said_so
    window in_order as (partition by grant_id order by ordered_at, edition)
),

changed as (
    select
        grant_id,
        min(ordered_at) as first_at,
        max(ordered_at) filter (where place > 1 and meaning <> meaning_before) as changed_at,
        max(ordered_at) filter (where place > 1 and valid_to is distinct from valid_to_before) as ended_anew_at
    from steps_of_grants
    group by grant_id
),

own_events as (
    select
        grants.*,
        case
            when grants.valid_to <= $as_of then 'ended'
            when grants.effect = 'deny' then 'denied'
            when changed.changed_at > grants.valid_from then 'changed'
            else 'granted'
        end as change,
        case
            when grants.valid_to <= $as_of then greatest(grants.valid_to, changed.ended_anew_at)
            else greatest(grants.valid_from, changed.first_at, changed.changed_at)
        end as changed_at
    from grants
    inner join changed on changed.grant_id = grants.grant_id
    where grants.valid_from <= $as_of
        and grants.ordered_at <= $as_of
        and (grants.valid_to is null or grants.valid_to > grants.valid_from)
),

by_own_grant as (
    select distinct
        given.partner_id,
        'grant:' || own_events.grant_id || ':' || instant_text(own_events.changed_at) || ':' || own_events.change as step,
        'own_grant_' || own_events.change as rule,
        own_events.changed_at as notice_due_at,
        'grant' as subject_type,
        own_events.grant_id as subject_id,
        json_object(
            'change', own_events.change,
            'rules', '- ' || coalesce(segments.name, assets.title, packages.name, own_events.object_id),
            'rights', array_to_string(list_sort(own_events.rights), ', '),
            'usage_guidance', coalesce(own_events.usage_guidance, ''),
            'from_at', instant_text(own_events.changed_at),
            'ends_at', coalesce(instant_text(own_events.valid_to), '')
        ) as said,
        to_json([own_events.grant_id]) as evidence
    from own_events
    inner join given on given.grant_id = own_events.grant_id
    left join segments on own_events.object_type = 'segment' and segments.segment_id = own_events.object_id
    left join assets on own_events.object_type = 'asset' and assets.asset_id = own_events.object_id
    left join packages on own_events.object_type = 'package' and packages.package_id = own_events.object_id
    where own_events.changed_at > $as_of - interval 30 days
        and coalesce(segments.segment_id, assets.asset_id, packages.package_id) is not null
),

due as (
    select * from by_publication
    union all by name
    select * from by_membership
    union all by name
    select * from by_own_grant
),

gap_packs as (
    select
        lacking.partner_id,
        list(
            '- ' || coalesce(assets.title, asset_names.trading_grid_asset_id)
            || ' (' || asset_names.trading_grid_asset_id || '): {version} ' || lacking.target_version_no
            order by assets.title, lacking.asset_id
        ) as lines
    from lacking
    semi join due
        on due.partner_id = lacking.partner_id
        and due.rule in ('joined_a_group_with_rules', 'own_grant_granted')
    inner join assets on assets.asset_id = lacking.asset_id
    inner join asset_names on asset_names.asset_id = lacking.asset_id
    where asset_names.trading_grid_asset_id is not null
    group by lacking.partner_id
),

rights_notices as (
    select
        due.partner_id,
        null::varchar as asset_id,
        null::integer as version_no,
        'access_rules' as kind,
        due.step,
        'P5' as pattern,
        due.rule,
        due.notice_due_at,
        due.subject_type,
        due.subject_id,
        false as is_urgent,
        case
            when due.rule not in ('joined_a_group_with_rules', 'own_grant_granted') or gap_packs.lines is null
                then due.said
            else json_merge_patch(
                due.said,
                json_object(
                    'missing', array_to_string(gap_packs.lines[1:30], chr(10))
                    || case when len(gap_packs.lines) > 30 then chr(10) || '… (' || len(gap_packs.lines) || ')' else '' end
                )
            )
        end as said,
        due.evidence
    from due
    cross join settings
    left join gap_packs on gap_packs.partner_id = due.partner_id
    where due.notice_due_at >= settings.notify_from
)

select * from rights_notices
