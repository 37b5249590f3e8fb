-- One row per life of a version in a time zone, as if nothing were barred anywhere.
-- Grain: zone, asset_id, version_no, effective_at
-- Refresh: by asset_id
-- Spine: freshness.every_life
-- Lives without rule 3 of docs/domain.md, 4: what the timing of an access is judged by (docs/domain.md, 8).
with every_life as (select * from freshness.every_life),

lives as (select * exclude (is_bar_ignored, region) from every_life where is_bar_ignored)

select * from lives
