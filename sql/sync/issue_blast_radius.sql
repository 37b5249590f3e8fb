-- One row per version that an open issue is about and partner that holds it now: who else has the faulty file.
-- Grain: asset_id, version_no, partner_id
-- Refresh: full
-- docs/domain.md, 9, P3: known from the first minute. For whoever follows the issues; a partner is never told who else is
-- in it. marts.exception_holders has the same over time, with whether each was informed.
with rounds as (
    select *
    from audit.issue_rounds
    where status not in ('rejected', 'duplicate', 'confirmed') and faulty_version_no is not null
),

held_copies as (select * from freshness.held_copies where version_no is not null),

partners as (select * from core.partners),

positions as (select * from freshness.positions),

faulty as (
    select
        asset_id,
        faulty_version_no as version_no,
        list_sort(list(issue_id)) as issue_ids,
        list(distinct partner_id) as reporter_ids,
        min(reported_at) as first_reported_at
    from rounds
    group by asset_id, faulty_version_no
),

radius as (
    select
        faulty.asset_id,
        faulty.version_no,
        held_copies.partner_id,
        list_contains(faulty.reporter_ids, held_copies.partner_id) as is_reporter,
        partners.region,
        partners.gone_from is not null and partners.gone_from <= $as_of as has_left,
        positions.position,
        positions.target_version_no,
        coalesce(positions.entitled, false) as is_entitled,
        held_copies.first_obtained_at,
        held_copies.last_obtained_at,
        faulty.issue_ids,
        faulty.first_reported_at
    from faulty
    inner join held_copies
        on held_copies.asset_id = faulty.asset_id
        and held_copies.version_no = faulty.version_no
    inner join partners on partners.partner_id = held_copies.partner_id
    left join positions
        on positions.partner_id = held_copies.partner_id
        and positions.asset_id = held_copies.asset_id
)

select * from radius
