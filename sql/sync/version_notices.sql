-- One row per partner, asset, version and kind of notice about a version that is due: publish, change, withdrawal, expiry.
-- Grain: partner_id, asset_id, version_no, kind, step
-- Refresh: by partner_id, asset_id
-- Spine: freshness.audiences, freshness.positions, freshness.held_copies, freshness.obtained
-- Changes at: freshness.notice_occasions.notice_due_at, freshness.obtained.obtained_at
-- Changes at: freshness.version_terms.withdrawn_from, freshness.version_terms.expires_at
-- docs/domain.md, 7 and 9: whom freshness.audiences names is told, so that what an obligation calls due is what is sent.
-- Beyond that: whoever obtained a withdrawn or expired version afterwards, whoever came to hold something else than the
-- target without being of its audience, and the former recipients of a safety asset whose sheet was updated.
with audiences as (select * from freshness.audiences),

occasions as (select * from freshness.notice_occasions where notice_due_at <= $as_of),

positions as (select * from freshness.positions),

held_copies as (select * from freshness.held_copies where version_no is not null),

obtained as (select * from freshness.obtained where obtained_at <= $as_of),

version_terms as (select * from freshness.version_terms),

partners as (select * from core.partners),

assets as (select * from core.assets),

settings as (select * from ops.notice_settings),

in_audience as (
    select
        partner_id,
        asset_id,
        version_no,
        kind,
        case reason
            when 'holder' then
                case
                    when kind = 'version_change' then 'holds_an_older_version'
                    when kind = 'withdrawal' then 'holds_a_withdrawn_version'
                    else 'holds_an_expired_version'
                end
            when 'joiner' then 'became_entitled_while_it_is_live'
            else 'entitled_when_it_was_due'
        end as rule,
        notice_due_at
    from audiences
),

told_of_it as (
    select distinct partner_id, asset_id, version_no from audiences where kind in ('publish', 'version_change')
),

openings as (
    select region, zone, asset_id, version_no, max(notice_due_at) as notice_due_at
    from occasions
    where kind in ('publish', 'version_change')
    group by region, zone, asset_id, version_no
),

behind as (
    select
        positions.partner_id,
        positions.asset_id,
        positions.target_version_no as version_no,
        'version_change' as kind,
        'holds_something_else_than_the_target' as rule,
        openings.notice_due_at
    from positions
    inner join partners on partners.partner_id = positions.partner_id
    inner join openings
        on openings.region = partners.region
        and openings.zone = partners.zone
        and openings.asset_id = positions.asset_id
        and openings.version_no = positions.target_version_no
    anti join told_of_it
        on told_of_it.partner_id = positions.partner_id
        and told_of_it.asset_id = positions.asset_id
        and told_of_it.version_no = positions.target_version_no
    where positions.position in ('stale_in_grace', 'stale_overdue', 'regressed')
),

former_recipients as (
    select distinct
        obtained.partner_id,
        obtained.asset_id,
        occasions.version_no,
        'version_change' as kind,
        'obtained_this_safety_asset_before' as rule,
        occasions.notice_due_at
    from occasions
    cross join settings
    inner join assets
        on assets.asset_id = occasions.asset_id
        and assets.classification = 'safety'
    inner join obtained
        on obtained.asset_id = occasions.asset_id
        and obtained.obtained_at <= occasions.notice_due_at
        and obtained.obtained_at > occasions.notice_due_at - to_seconds(settings.former_recipient_seconds)
    inner join partners
        on partners.partner_id = obtained.partner_id
        and partners.region = occasions.region
        and partners.zone = occasions.zone
    anti join told_of_it
        on told_of_it.partner_id = obtained.partner_id
        and told_of_it.asset_id = obtained.asset_id
        and told_of_it.version_no = occasions.version_no
    where occasions.kind = 'version_change'
        and (obtained.version_no is null or obtained.version_no < occasions.version_no)
),

ended_holdings as (
    select
        held_copies.partner_id,
        held_copies.asset_id,
        held_copies.version_no,
        case
            when version_terms.withdrawn_from <= $as_of then 'withdrawal'
            when version_terms.expires_at <= $as_of then 'expiry'
        end as kind,
        version_terms.withdrawn_from,
        version_terms.expires_at
    from held_copies
    inner join partners on partners.partner_id = held_copies.partner_id
    inner join version_terms
        on version_terms.region = partners.region
        and version_terms.zone = partners.zone
        and version_terms.asset_id = held_copies.asset_id
        and version_terms.version_no = held_copies.version_no
    where version_terms.withdrawn_from <= $as_of or version_terms.expires_at <= $as_of
),

obtained_afterwards as (
    select
        ended_holdings.partner_id,
        ended_holdings.asset_id,
        ended_holdings.version_no,
        ended_holdings.kind,
        case ended_holdings.kind
            when 'withdrawal' then 'holds_a_withdrawn_version'
            else 'holds_an_expired_version'
        end as rule,
        case ended_holdings.kind
            when 'withdrawal' then ended_holdings.withdrawn_from
            else ended_holdings.expires_at
        end as notice_due_at
    from ended_holdings
    anti join audiences
        on audiences.partner_id = ended_holdings.partner_id
        and audiences.asset_id = ended_holdings.asset_id
        and audiences.version_no = ended_holdings.version_no
        and audiences.kind = ended_holdings.kind
),

due as (
    select * from in_audience
    union all
    select partner_id, asset_id, version_no, kind, min(rule) as rule, min(notice_due_at) as notice_due_at
    from (
        select * from behind
        union all
        select * from former_recipients
    ) as beyond
    group by partner_id, asset_id, version_no, kind
    union all
    select * from obtained_afterwards
),

version_notices as (
    select
        due.partner_id,
        due.asset_id,
        cast(due.version_no as integer) as version_no,
        due.kind,
        'initial' as step,
        case when due.kind = 'publish' then 'P2' else 'P4' end as pattern,
        due.rule,
        due.notice_due_at,
        'asset_version' as subject_type,
        due.asset_id || '|' || due.version_no as subject_id,
        due.kind = 'withdrawal' or coalesce(assets.classification = 'safety', false) as is_urgent,
        cast('{}' as json) as said,
        to_json([due.asset_id || '|' || due.version_no]) as evidence
    from due
    inner join assets on assets.asset_id = due.asset_id
)

select * from version_notices
