-- One row per partner, asset and stretch of time in which the same grants about the two are in force.
-- Grain: partner_id, asset_id, holds_from
-- Refresh: by partner_id
-- Spine: freshness.grant_partners
-- Touched by: core.grants(grant_id) through freshness.grant_partners
-- Touched by: freshness.grant_assets(grant_id) through freshness.grant_partners
-- to_obtain and to_look say what they come to, ok, explicit_deny or no_grant (docs/domain.md, 8); between the stretches
-- there is no grant. To obtain takes an allow with download and no deny with download or view; to look takes an allow
-- with either and no deny with view. Where a pair's grants do not all hold over the same stretch, each raises counts where
-- it begins and lowers them where it ends.
with grants as (select * from core.grants),

given as (select * from freshness.grant_partners),

reaching as (select * from freshness.grant_assets),

counted as (
    select
        grant_id,
        case when effect = 'allow' and list_contains(rights, 'download') then 1 else 0 end as allows_obtaining,
        case
            when effect = 'allow' and (list_contains(rights, 'download') or list_contains(rights, 'view')) then 1 else 0
        end as allows_looking,
        case
            when effect = 'deny' and (list_contains(rights, 'download') or list_contains(rights, 'view')) then 1 else 0
        end as denies_obtaining,
        case when effect = 'deny' and list_contains(rights, 'view') then 1 else 0 end as denies_looking
    from grants
),

meeting as (
    select
        given.partner_id,
        reaching.asset_id,
        greatest(given.given_from, reaching.reaches_from) as counts_from,
        least(given.given_until, reaching.reaches_until) as counts_until,
        counted.allows_obtaining,
        counted.allows_looking,
        counted.denies_obtaining,
        counted.denies_looking
    from given
    inner join reaching on reaching.grant_id = given.grant_id
    inner join counted on counted.grant_id = given.grant_id
    where greatest(given.given_from, reaching.reaches_from) < least(given.given_until, reaching.reaches_until)
),

pairs as (
    select
        partner_id,
        asset_id,
        min(counts_from) as counts_from,
        min(counts_until) as counts_until,
        min(counts_from) = max(counts_from) and min(counts_until) = max(counts_until) as is_one_stretch,
        1 as in_force,
        max(allows_obtaining) as allows_obtaining,
        max(allows_looking) as allows_looking,
        max(denies_obtaining) as denies_obtaining,
        max(denies_looking) as denies_looking
    from meeting
    group by partner_id, asset_id
),

overlapping as (
    select meeting.*
    from meeting
    inner join pairs
        on pairs.partner_id = meeting.partner_id
        and pairs.asset_id = meeting.asset_id
    where not pairs.is_one_stretch
),

edges as (
    select
        partner_id,
        asset_id,
        counts_from as holds_from,
        1 as in_force,
        allows_obtaining,
        allows_looking,
        denies_obtaining,
        denies_looking
    from overlapping
    union all
    select
        partner_id,
        asset_id,
        counts_until as holds_from,
        -1 as in_force,
        -allows_obtaining as allows_obtaining,
        -allows_looking as allows_looking,
        -denies_obtaining as denies_obtaining,
        -denies_looking as denies_looking
    from overlapping
    where counts_until < 'infinity'::timestamptz
),

changes as (
    select
        partner_id,
        asset_id,
        holds_from,
        sum(in_force)::integer as in_force,
        sum(allows_obtaining)::integer as allows_obtaining,
        sum(allows_looking)::integer as allows_looking,
        sum(denies_obtaining)::integer as denies_obtaining,
        sum(denies_looking)::integer as denies_looking
    from edges
    group by partner_id, asset_id, holds_from
),

stretches as (
    select
        partner_id,
        asset_id,
        counts_from as holds_from,
        counts_until as holds_until,
        in_force,
        allows_obtaining,
        allows_looking,
        denies_obtaining,
        denies_looking
    from pairs
    where is_one_stretch
    union all
    select
        partner_id,
        asset_id,
        holds_from,
        coalesce(lead(holds_from) over in_order, 'infinity'::timestamptz) as holds_until,
        sum(in_force) over in_order as in_force,
        sum(allows_obtaining) over in_order as allows_obtaining,
        sum(allows_looking) over in_order as allows_looking,
        sum(denies_obtaining) over in_order as denies_obtaining,
        sum(denies_looking) over in_order as denies_looking
    from changes
    window in_order as (partition by partner_id, asset_id order by holds_from)
),

rights as (
    select
        partner_id,
        asset_id,
        holds_from,
        holds_until,
        case
            when denies_obtaining > 0 then 'explicit_deny'
            when allows_obtaining > 0 then 'ok'
            else 'no_grant'
        end as to_obtain,
        case
            when denies_looking > 0 then 'explicit_deny'
            when allows_looking > 0 then 'ok'
            else 'no_grant'
        end as to_look
    from stretches
    where in_force > 0
)

select * from rights
