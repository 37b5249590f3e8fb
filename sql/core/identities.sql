-- One row per id of the other system that xref speaks of, and stretch of time in which it stands for one target.
-- Grain: entity, source_id, holds_from
-- Refresh: full
-- Partners and users bear Trading Grid's ids, assets VIP's (docs/domain.md, 3). Where xref says nothing, an id stands
-- for itself; where it says two things at once, for nobody (target_id is null): nothing is assigned by guess.
with xref as (select * from core.xref),

claims as (
    select
        entity,
        case when entity = 'asset' then trading_grid_id else vip_id end as source_id,
        case when entity = 'asset' then vip_id else trading_grid_id end as target_id,
        coalesce(valid_from, '-infinity'::timestamptz) as holds_from,
        coalesce(valid_to, 'infinity'::timestamptz) as holds_until
    from xref
),

edges as (
    select entity, source_id, '-infinity'::timestamptz as holds_from from claims
    union
    select entity, source_id, holds_from from claims
    union
    select entity, source_id, holds_until as holds_from from claims where holds_until < 'infinity'::timestamptz
),

stretches as (
    select
        entity,
        source_id,
        holds_from,
        coalesce(
            lead(holds_from) over (partition by entity, source_id order by holds_from), 'infinity'::timestamptz
        ) as holds_until
    from edges
),

targets as (
    select
        stretches.entity,
        stretches.source_id,
        stretches.holds_from,
        stretches.holds_until,
        count(distinct claims.target_id) as claimed,
        min(claims.target_id) as only_target_id
    from stretches
    left join claims
        on claims.entity = stretches.entity
        and claims.source_id = stretches.source_id
        and claims.holds_from <= stretches.holds_from
        and claims.holds_until > stretches.holds_from
    group by all
),

identities as (
    select
        entity,
        source_id,
        holds_from,
        holds_until,
        case when claimed = 0 then source_id when claimed = 1 then only_target_id end as target_id
    from targets
)

select * from identities
