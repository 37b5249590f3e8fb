-- One row per partner, asset and known version of which the partner obtained a copy up to as_of: when, how often.
-- Grain: partner_id, asset_id, version_no
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obtained
-- Changes at: freshness.obtained.obtained_at
-- Whether it still holds one is freshness.held_copies (docs/domain.md, 5 and 6).
with obtained as (select * from freshness.obtained where version_no is not null),

counted as (
    select
        partner_id,
        asset_id,
        version_no,
        min(obtained_at) as first_obtained_at,
        max(obtained_at) filter (where obtained_at <= $as_of) as last_obtained_at,
        count(*) filter (where obtained_at <= $as_of) as times_obtained,
        min(obtained_at) filter (where obtained_at > $as_of) as next_change_at
    from obtained
    group by partner_id, asset_id, version_no
),

versions_obtained as (select * from counted where times_obtained > 0)

select * from versions_obtained
