-- One row per partner and thing by which figures are divided: its region, its tier, each of its programs.
-- Grain: partner_id, dimension, dimension_value
-- Refresh: full
-- '(none)' where the partner has none. By brand and classification figures are divided by the asset (docs/figures.md).
with partners as (select * from core.partners),

programs as (select * from marts.partner_programs),

dimensions as (
    select partner_id, 'region' as dimension, coalesce(nullif(region, ''), '(none)') as dimension_value from partners
    union all
    select partner_id, 'tier' as dimension, coalesce(nullif(tier, ''), '(none)') as dimension_value from partners
    union all
    select partner_id, 'program' as dimension, program as dimension_value from programs
)

select * from dimensions
