-- One row per candidate notice with everything that its text says.
-- Grain: candidate_key
-- Refresh: by partner_id, asset_id
-- Spine: sync.notice_candidates
-- Only with: sync.notice_candidates(partner_id, asset_id) where suppression_reason is null
-- Changes at: freshness.version_lives.effective_at
-- Instants are shown in the partner's zone; copy_* is the held copy that the notice rests on (evidence rung 4): the
-- withdrawn or expired version's, else the last one that the partner obtained. is_same_file: an earlier version has the
-- same checksum, so that its acknowledgment counts for this one. What is about no asset has nothing of one.
with candidates as (select * from sync.notice_candidates where suppression_reason is null),

positions as (select * from freshness.positions),

held_copies as (select * from freshness.held_copies),

version_terms as (select * from freshness.version_terms),

version_lives as (select * from freshness.version_lives),

partners as (select * from core.partners),

assets as (select * from core.assets),

asset_versions as (select * from core.asset_versions),

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

same_files as (
    select distinct later.asset_id, later.version_no
    from asset_versions as later
    inner join asset_versions as earlier
        on earlier.asset_id = later.asset_id
        and earlier.version_no < later.version_no
        and earlier.checksum_sha256 = later.checksum_sha256
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
        candidates.rule,
        candidates.is_urgent,
        candidates.said,
        candidates.trading_grid_asset_id,
        partners.name as partner_name,
        partners.locale,
        partners.region,
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
        same_files.asset_id is not null as is_same_file,
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
            when candidates.kind in ('withdrawal', 'expiry') then own_copies.version_no else last_copies.version_no
        end as copy_version_no,
        case
            when candidates.kind in ('withdrawal', 'expiry') then own_copies.last_obtained_at
            else last_copies.last_obtained_at
        end as copy_obtained_at,
        time_to_respond.seconds as respond_within_seconds,
        grace.seconds as grace_seconds
    from candidates
    inner join partners on partners.partner_id = candidates.partner_id
    left join assets on assets.asset_id = candidates.asset_id
    left join asset_versions as versions
        on versions.asset_id = candidates.asset_id
        and versions.version_no = candidates.version_no
    left join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = candidates.asset_id
        and version_terms.version_no = candidates.version_no
    left join same_files
        on same_files.asset_id = candidates.asset_id
        and same_files.version_no = candidates.version_no
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
)

select * from facts
