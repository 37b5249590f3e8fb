-- One row per grant in force that allows to download: whom and what it reaches, what was obtained under it, and who would lose what.
-- Grain: grant_id
-- Refresh: full
-- Published with: as_of, data_late of position
-- docs/patterns/rights.md. is_unused: in force for ninety days, reaching somebody and something, and nobody obtained any
-- of it since. is_ending: it ends within thirty days; lost are the pairs that no other grant covers then, held the copies
-- of them, and campaigns those that launch after it and still need one of them. Assets that the same grants reach are
-- looked at together, under one reach_no: pairs are more than the rest by far.
with grants as (
    select *
    from core.grants
    where
        effect = 'allow'
        and list_contains(rights, 'download')
        and valid_from <= $as_of
        and (valid_to is null or valid_to > $as_of)
),

packages as (select * from core.packages where campaign_id is not null),

given as (select * from freshness.grant_partners where given_from <= $as_of and given_until > $as_of),

reaching as (select * from freshness.grant_assets where reaches_from <= $as_of and reaches_until > $as_of),

holdings as (select * from freshness.holdings),

rights as (select * from freshness.access_rights where to_obtain = 'ok'),

readiness as (select * from freshness.readiness where is_required and not is_ready),

partners_reached as (
    select grant_id, count(*) as partners from (select distinct grant_id, partner_id from given) group by grant_id
),

assets_reached as (
    select
        grant_id,
        count(distinct asset_id) as assets,
        max(reaches_from) as reaches_from
    from reaching
    group by grant_id
),

reached_by as (
    select asset_id, list_sort(list(distinct grant_id)) as grants
    from reaching
    group by asset_id
),

reached_alike as (select asset_id, dense_rank() over (order by grants) as reach_no from reached_by),

reaches as (
    select distinct reached_alike.reach_no, reaching.grant_id
    from reached_alike
    inner join reaching on reaching.asset_id = reached_alike.asset_id
),

last_obtained as (
    select holdings.partner_id, reached_alike.reach_no, max(holdings.latest_obtained_at) as obtained_at
    from holdings
    inner join reached_alike on reached_alike.asset_id = holdings.asset_id
    group by holdings.partner_id, reached_alike.reach_no
),

uses as (
    select
        grants.grant_id,
        count(distinct last_obtained.partner_id) as partners_used,
        max(last_obtained.obtained_at) as last_used_at
    from grants
    inner join given on given.grant_id = grants.grant_id
    inner join reaches on reaches.grant_id = grants.grant_id
    inner join last_obtained
        on last_obtained.partner_id = given.partner_id
        and last_obtained.reach_no = reaches.reach_no
    where last_obtained.obtained_at >= grants.valid_from
    group by grants.grant_id
),

ending as (
    select grants.*
    from grants
    left join packages
        on grants.object_type = 'package'
        and packages.package_id = grants.object_id
    where grants.valid_to <= $as_of + interval 30 days and packages.package_id is null
),

pairs_ending as (
    select distinct ending.grant_id, ending.valid_to, given.partner_id, reaching.asset_id
    from ending
    inner join given on given.grant_id = ending.grant_id
    inner join reaching on reaching.grant_id = ending.grant_id
),

lost as (
    select pairs_ending.*
    from pairs_ending
    anti join rights
        on rights.partner_id = pairs_ending.partner_id
        and rights.asset_id = pairs_ending.asset_id
        and rights.holds_from <= pairs_ending.valid_to
        and rights.holds_until > pairs_ending.valid_to
),

losses as (
    select
        lost.grant_id,
        count(distinct lost.partner_id) as partners_losing,
        count(distinct lost.asset_id) as assets_lost,
        count(distinct holdings.partner_id) as partners_holding,
        list_sort(list(distinct readiness.campaign_id) filter (where readiness.campaign_id is not null)) as campaigns
    from lost
    left join holdings
        on holdings.partner_id = lost.partner_id
        and holdings.asset_id = lost.asset_id
        and holdings.holds_anything
    left join readiness
        on readiness.partner_id = lost.partner_id
        and readiness.asset_id = lost.asset_id
        and readiness.launch_at >= lost.valid_to
    group by lost.grant_id
),

grant_uses as (
    select
        grants.grant_id,
        grants.grantee_type,
        grants.grantee_id,
        grants.object_type,
        grants.object_id,
        grants.rights,
        grants.valid_from,
        grants.valid_to,
        coalesce(partners_reached.partners, 0) as partners_reached,
        coalesce(assets_reached.assets, 0) as assets_reached,
        coalesce(uses.partners_used, 0) as partners_used,
        uses.last_used_at,
        uses.grant_id is null
        and partners_reached.grant_id is not null
        and assets_reached.grant_id is not null
        and greatest(grants.valid_from, assets_reached.reaches_from) <= $as_of - interval 90 days as is_unused,
        ending.grant_id is not null as is_ending,
        coalesce(losses.partners_losing, 0) as partners_losing,
        coalesce(losses.assets_lost, 0) as assets_lost,
        coalesce(losses.partners_holding, 0) as partners_holding,
        coalesce(losses.campaigns, []) as campaigns
    from grants
    left join partners_reached on partners_reached.grant_id = grants.grant_id
    left join assets_reached on assets_reached.grant_id = grants.grant_id
    left join uses on uses.grant_id = grants.grant_id
    left join ending on ending.grant_id = grants.grant_id
    left join losses on losses.grant_id = grants.grant_id
)

select * from grant_uses
