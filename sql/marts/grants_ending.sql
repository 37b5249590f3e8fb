-- One row per grant that ends within thirty days: how many partners lose how many assets, and who still holds or needs them.
-- Grain: grant_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/patterns/rights.md. Lost is what no other grant covers then; campaigns launch after it and still need one of
-- them.
with grant_uses as (select * from audit.grant_uses where is_ending),

groups as (select * from core.partner_groups),

ending as (
    select
        grant_uses.grant_id,
        grant_uses.grantee_type,
        grant_uses.grantee_id,
        groups.name as group_name,
        grant_uses.object_type,
        grant_uses.object_id,
        grant_uses.rights,
        grant_uses.valid_to,
        grant_uses.last_used_at,
        grant_uses.partners_reached,
        grant_uses.partners_losing,
        grant_uses.assets_lost,
        grant_uses.partners_holding,
        grant_uses.campaigns
    from grant_uses
    left join groups
        on grant_uses.grantee_type = 'partner_group'
        and groups.group_id = grant_uses.grantee_id
)

select * from ending
