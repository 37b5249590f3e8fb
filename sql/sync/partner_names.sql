-- One row per partner: the id under which VIP knows it.
-- Grain: partner_id
-- Refresh: full
-- vip_partner_id is null where this id means another partner there, or nobody can say which.
with partners as (select * from core.partners),

identities as (
    select source_id, target_id
    from core.identities
    where entity = 'partner' and holds_from <= $as_of and holds_until > $as_of
),

own_names as (
    select target_id as partner_id, min(source_id) as vip_partner_id
    from identities
    where target_id is not null and target_id <> source_id
    group by target_id
),

names_of_others as (select source_id as partner_id from identities where target_id is distinct from source_id),

names as (
    select
        partners.partner_id,
        case
            when own_names.partner_id is not null then own_names.vip_partner_id
            when names_of_others.partner_id is null then partners.partner_id
        end as vip_partner_id
    from partners
    left join own_names on own_names.partner_id = partners.partner_id
    left join names_of_others on names_of_others.partner_id = partners.partner_id
)

select * from names
