-- One row per thing that is wrong with rights now: the two systems drift apart, a grant is unused or ends, rules cannot be told.
-- Grain: finding_id
-- Refresh: full
-- docs/patterns/rights.md. Nothing that rests on what was obtained is claimed while that is late.
with drift as (select * from audit.rights_drift),

grant_uses as (select * from audit.grant_uses),

access_rules as (select * from audit.access_rules),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'asset' and holds_from <= $as_of and holds_until > $as_of
),

lateness as (select is_late from ops.data_late where claim = 'position'),

drifting as (
    select rule, severity, subject_type, subject_id, partner_id, null::varchar as asset_id, detail || '; ' || repair as detail
    from drift
),

unused as (
    select
        'grant_unused' as rule,
        'warning' as severity,
        'grant' as subject_type,
        grant_uses.grant_id as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        'in force for ninety days, it reaches ' || grant_uses.partners_reached || ' partners and '
        || grant_uses.assets_reached || ' assets, and nobody obtained anything under it; end it, or tell them' as detail
    from grant_uses
    cross join lateness
    where grant_uses.is_unused and not lateness.is_late
),

ending as (
    select
        'grant_ending' as rule,
        'warning' as severity,
        'grant' as subject_type,
        grant_id as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        'it ends on ' || utc_day(valid_to) || '; ' || partners_losing || ' partners lose ' || assets_lost || ' assets, '
        || partners_holding || ' hold copies'
        || case when len(campaigns) > 0 then ', and these launches need them: ' || array_to_string(campaigns, ', ') else '' end
        || '; prolong it, or ask for removal' as detail
    from grant_uses
    where is_ending and (partners_holding > 0 or len(campaigns) > 0)
),

named as (
    select target_id as asset_id
    from identities
    where target_id is not null and target_id <> source_id
),

nameless as (
    select distinct
        'access_rule_without_name' as rule,
        'error' as severity,
        'asset' as subject_type,
        access_rules.object_id as subject_id,
        null::varchar as partner_id,
        access_rules.object_id as asset_id,
        'nobody can say what the asset is called in Trading Grid, so the rules about it are not published' as detail
    from access_rules
    semi join identities
        on identities.source_id = access_rules.object_id
        and identities.target_id is distinct from identities.source_id
    anti join named on named.asset_id = access_rules.object_id
    where access_rules.object_type = 'asset'
),

too_many as (
    select
        'too_many_access_rules' as rule,
        'error' as severity,
        'partner_group' as subject_type,
        group_id as subject_id,
        null::varchar as partner_id,
        null::varchar as asset_id,
        'Trading Grid takes 1000 rules of a group, and it has ' || count(*)
        || ', so they are not published; grant segments instead of assets' as detail
    from access_rules
    group by group_id
    having count(*) > 1000
),

every_rule as (
    select * from drifting
    union all
    select * from unused
    union all
    select * from ending
    union all
    select * from nameless
    union all
    select * from too_many
),

conditions as (
    select
        rule || ':' || subject_type || ':' || subject_id as finding_id,
        rule,
        severity,
        subject_type,
        subject_id,
        partner_id,
        asset_id,
        null::bigint as version_no,
        detail
    from every_rule
)

select * from conditions
