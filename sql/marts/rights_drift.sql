-- One row per contradiction between what VIP grants and segments say and what Trading Grid's groups say, by name.
-- Grain: rule, subject_type, subject_id
-- Refresh: full
-- docs/patterns/rights.md has the rules. repair is a proposal: nobody's groups or grants are changed by themselves.
with drift as (select * from audit.rights_drift),

partners as (select * from core.partners),

groups as (select * from core.partner_groups),

named as (
    select
        drift.rule,
        drift.severity,
        drift.subject_type,
        drift.subject_id,
        drift.partner_id,
        partners.name as partner_name,
        drift.group_id,
        groups.name as group_name,
        drift.object_id,
        drift.detail,
        drift.repair
    from drift
    left join partners on partners.partner_id = drift.partner_id
    left join groups on groups.group_id = drift.group_id
)

select * from named
