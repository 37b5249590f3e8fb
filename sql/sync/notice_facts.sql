-- One row per candidate notice with everything that its text says.
-- Grain: partner_id, asset_id, version_no, kind, step
-- Refresh: full
-- Instants are shown in the partner's zone; copy_* is the held copy that the notice rests on (evidence rung 4): the
-- withdrawn or expired version's, else the last one that the partner obtained. trading_grid_asset_id is null where this
-- id means another asset there, or nobody can say which: nothing is posted about an asset by guess.
with candidates as (select * from sync.notice_candidates),

positions as (select * from freshness.positions),

held_copies as (select * from freshness.held_copies),

version_terms as (select * from freshness.version_terms),

version_lives as (select * from freshness.version_lives),

partners as (select * from core.partners),

assets as (select * from core.assets),

asset_versions as (select * from core.asset_versions),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'asset' and holds_from <= $as_of and holds_until > $as_of
),

time_to_respond as (select * from ops.time_to_respond),

grace as (select * from ops.grace),

last_copies as (
    select
        held_copies.partner_id,
        held_copies.asset_id,
        held_copies.version_no,
        held_copies.last_obtained_at
    from held_copies
    qualify row_number() over (
        partition by held_copies.partner_id, held_copies.asset_id
        order by held_copies.last_obtained_at desc, held_copies.version_no desc nulls last
    ) = 1
),

own_copies as (
    select partner_id, asset_id, version_no, last_obtained_at
    from held_copies
    where version_no is not null
),

names_in_trading_grid as (
    select target_id as asset_id, min(source_id) as trading_grid_asset_id
    from identities
    where target_id is not null and target_id <> source_id
    group by target_id
),

names_of_others as (
    select source_id as asset_id
    from identities
    where target_id is distinct from source_id
),

lives_begun as (
    select region, zone, asset_id, version_no, max(effective_at) as effective_at
    from version_lives
    where effective_at <= $as_of
    group by region, zone, asset_id, version_no
),

facts as (
    select
        candidates.candidate_key,
        candidates.partner_id,
        candidates.asset_id,
        candidates.version_no,
        candidates.kind,
        candidates.step,
        case
            when names_in_trading_grid.asset_id is not null then names_in_trading_grid.trading_grid_asset_id
            when names_of_others.asset_id is null then candidates.asset_id
        end as trading_grid_asset_id,
        partners.name as partner_name,
        partners.locale,
        partners.zone,
        coalesce(assets.title, candidates.asset_id) as asset_title,
        assets.sku,
        assets.brand,
        coalesce(assets.classification, 'standard') as classification,
        assets.owner,
        versions.version_label,
        versions.file_name,
        versions.format,
        versions.change_class,
        versions.change_summary,
        versions.replacement_instructions,
        versions.usage_guidance,
        versions.restricted_regions,
        versions.withdrawal_reason,
        coalesce(lives_begun.effective_at, version_terms.effective_at) as effective_at,
        version_terms.withdrawn_from,
        version_terms.expires_at,
        positions.position,
        positions.position_rule,
        positions.entitled as is_entitled,
        positions.held_versions,
        positions.grace_until,
        positions.target_version_no,
        targets.version_label as target_version_label,
        case
            when candidates.kind = 'version_change' then last_copies.version_no else own_copies.version_no
        end as copy_version_no,
        case
            when candidates.kind = 'version_change' then last_copies.last_obtained_at else own_copies.last_obtained_at
        end as copy_obtained_at,
        time_to_respond.seconds as respond_within_seconds,
        grace.seconds as grace_seconds
    from candidates
    inner join partners on partners.partner_id = candidates.partner_id
    inner join assets on assets.asset_id = candidates.asset_id
    inner join asset_versions as versions
        on versions.asset_id = candidates.asset_id
        and versions.version_no = candidates.version_no
    inner join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = candidates.asset_id
        and version_terms.version_no = candidates.version_no
    left join names_in_trading_grid on names_in_trading_grid.asset_id = candidates.asset_id
    left join names_of_others on names_of_others.asset_id = candidates.asset_id
    left join lives_begun
        on lives_begun.region = partners.region
        and lives_begun.zone = partners.zone
        and lives_begun.asset_id = candidates.asset_id
        and lives_begun.version_no = candidates.version_no
    left join positions
        on positions.partner_id = candidates.partner_id
        and positions.asset_id = candidates.asset_id
    left join asset_versions as targets
        on targets.asset_id = positions.asset_id
        and targets.version_no = positions.target_version_no
    left join last_copies
        on last_copies.partner_id = candidates.partner_id
        and last_copies.asset_id = candidates.asset_id
    left join own_copies
        on own_copies.partner_id = candidates.partner_id
        and own_copies.asset_id = candidates.asset_id
        and own_copies.version_no = candidates.version_no
    left join time_to_respond
        on time_to_respond.kind = candidates.kind
        and time_to_respond.classification = coalesce(assets.classification, 'standard')
    left join grace on grace.classification = coalesce(assets.classification, 'standard')
    where candidates.suppression_reason is null
)

select * from facts
