-- One row per thing that is wrong with the network's own records: ids that mean two things, zones, rejected records, drift.
-- Grain: finding_id
-- Refresh: full
-- docs/domain.md, 3 and 4. Everything here is small.
with partners as (select * from core.partners),

identities as (select * from core.identities where target_id is null),

quarantine as (select * from ops.quarantine),

zones as (select * from ops.zones),

drift as (select * from ops.drift where not is_reviewed),

differences as (select * from ops.differences where state = 'open'),

ambiguous as (
    select
        'ambiguous_identity' as rule,
        'error' as severity,
        'xref' as subject_type,
        entity || '|' || source_id || '|' || holds_from::varchar as subject_id,
        null::varchar as partner_id,
        'two cross-references give the ' || entity || ' ' || source_id || ' different ids at once' as detail
    from identities
),

unknown_zones as (
    select
        'unknown_zone' as rule,
        'warning' as severity,
        'partner' as subject_type,
        partners.partner_id as subject_id,
        partners.partner_id,
        'its time zone ' || coalesce(partners.timezone, '(none)') || ' does not exist; UTC stands in' as detail
    from partners
    left join zones on zones.zone = partners.timezone
    where zones.zone is null
),

quarantined as (
    select
        'quarantined_records' as rule,
        'warning' as severity,
        'stream' as subject_type,
        stream as subject_id,
        null::varchar as partner_id,
        'records of ' || stream || ' were rejected on arrival; see ops.quarantine' as detail
    from quarantine
    group by stream
),

drifted as (
    select rule, severity, 'field' as subject_type, subject_id, null::varchar as partner_id, detail from drift
),

unreconciled as (
    select
        'unreconciled' as rule,
        'warning' as severity,
        'stream' as subject_type,
        stream as subject_id,
        null::varchar as partner_id,
        'records of ' || stream || ' differ from what its source has; see ops.differences' as detail
    from differences
    group by stream
),

every_rule as (
    select * from ambiguous
    union all
    select * from unknown_zones
    union all
    select * from quarantined
    union all
    select * from drifted
    union all
    select * from unreconciled
),

conditions as (
    select
        rule || ':' || subject_type || ':' || subject_id as finding_id,
        rule,
        severity,
        subject_type,
        subject_id,
        partner_id,
        null::varchar as asset_id,
        null::bigint as version_no,
        detail
    from every_rule
)

select * from conditions
