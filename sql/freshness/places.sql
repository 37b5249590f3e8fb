-- One row per combination of region and zone in which a partner is.
-- Grain: region, zone
-- Refresh: full
with partners as (select * from core.partners),

places as (select distinct region, zone from partners)

select * from places
