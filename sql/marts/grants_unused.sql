-- One row per grant that has been in force for ninety days, reaches somebody and something, and under which nobody obtained anything.
-- Grain: grant_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/patterns/rights.md.
with grant_uses as (select * from audit.grant_uses where is_unused),

groups as (select * from core.partner_groups),

unused as (
    select
        grant_uses.grant_id,
        grant_uses.grantee_type,
        grant_uses.grantee_id,
        groups.name as group_name,
        grant_uses.object_type,
        grant_uses.object_id,
        grant_uses.rights,
        grant_uses.valid_from,
        grant_uses.valid_to,
        grant_uses.partners_reached,
        grant_uses.assets_reached
    from grant_uses
    left join groups
        on grant_uses.grantee_type = 'partner_group'
        and groups.group_id = grant_uses.grantee_id
)

select * from unused
