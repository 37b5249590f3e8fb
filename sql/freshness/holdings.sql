-- One row per partner and asset of which the partner ever obtained a copy up to as_of: what it still holds.
-- Grain: partner_id, asset_id
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obtained
-- Changes at: freshness.obtained.obtained_at
-- latest_obtained_at is of any copy, last_obtained_at of one still held. held_versions are the known versions still held, ascending; the last held is the copy obtained last, then the highest
-- version (docs/domain.md, 6).
with obtained as (select * from freshness.obtained where obtained_at <= $as_of),

held_copies as (select * from freshness.held_copies),

ever as (
    select
        partner_id,
        asset_id,
        min(obtained_at) as first_obtained_at,
        max(obtained_at) as latest_obtained_at
    from obtained
    group by partner_id, asset_id
),

held as (
    select
        partner_id,
        asset_id,
        list_sort(list(version_no) filter (where version_no is not null)) as held_versions,
        bool_or(version_no is null) as holds_unknown,
        max(last_obtained_at) as last_obtained_at,
        arg_max(coalesce(version_no, -1), (last_obtained_at, coalesce(version_no, -1))) as last_version_or_unknown
    from held_copies
    group by partner_id, asset_id
),

holdings as (
    select
        ever.partner_id,
        ever.asset_id,
        ever.first_obtained_at,
        ever.latest_obtained_at,
        held.partner_id is not null as holds_anything,
        coalesce(held.held_versions, []) as held_versions,
        coalesce(held.holds_unknown, false) as holds_unknown,
        nullif(held.last_version_or_unknown, -1) as last_version_no,
        held.last_obtained_at
    from ever
    left join held
        on held.partner_id = ever.partner_id
        and held.asset_id = ever.asset_id
)

select * from holdings
