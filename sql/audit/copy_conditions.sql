-- One row per partner, asset and version of which the partner obtained copies that no grant allowed it to obtain.
-- Grain: finding_id
-- Refresh: by partner_id, asset_id
-- Only with: audit.verdicts(partner_id, asset_id) where entitlement_now in ('no_grant', 'explicit_deny')
-- Spine: audit.verdicts
-- Changes at: audit.verdicts.occurred_at, freshness.obtained.obtained_at
-- docs/domain.md, 8, by the verdicts of now. One finding, however often it was fetched; evidence is the first twenty.
with verdicts as (
    select * from audit.verdicts where entitlement_now in ('no_grant', 'explicit_deny') and occurred_at <= $as_of
),

obtained as (select * from freshness.obtained where obtained_at <= $as_of),

trail as (select * from audit.trail),

copies as (
    select
        verdicts.partner_id,
        verdicts.asset_id,
        verdicts.version_no,
        verdicts.subject_type,
        verdicts.subject_id,
        verdicts.entitlement_now
    from verdicts
    semi join obtained
        on obtained.subject_type = verdicts.subject_type
        and obtained.subject_id = verdicts.subject_id
        and obtained.partner_id = verdicts.partner_id
        and obtained.asset_id = verdicts.asset_id
),

seqs as (
    select copies.partner_id, copies.asset_id, copies.version_no, list_sort(list(trail.seq))[1:20] as evidence
    from copies
    inner join trail
        on trail.subject_type = copies.subject_type
        and trail.subject_id = copies.subject_id
        and trail.partner_id = copies.partner_id
        and trail.asset_id = copies.asset_id
    group by copies.partner_id, copies.asset_id, copies.version_no
),

counted as (
    select
        partner_id,
        asset_id,
        version_no,
        count(*) as times_obtained,
        bool_or(entitlement_now = 'explicit_deny') as is_denied
    from copies
    group by partner_id, asset_id, version_no
),

conditions as (
    select
        'bytes_without_grant:copy:' || counted.partner_id || '|' || counted.asset_id || '|'
        || coalesce(counted.version_no::varchar, 'unknown') as finding_id,
        'bytes_without_grant' as rule,
        'error' as severity,
        'copy' as subject_type,
        counted.partner_id || '|' || counted.asset_id || '|'
        || coalesce(counted.version_no::varchar, 'unknown') as subject_id,
        counted.partner_id,
        counted.asset_id,
        counted.version_no,
        case
            when counted.is_denied then 'the partner obtained what a grant denies it'
            else 'the partner obtained what no grant allows it'
        end as detail,
        coalesce(seqs.evidence, []) as evidence
    from counted
    left join seqs
        on seqs.partner_id = counted.partner_id
        and seqs.asset_id = counted.asset_id
        and seqs.version_no is not distinct from counted.version_no
)

select * from conditions
