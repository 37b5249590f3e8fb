-- One row per grant, partner that it is given to, and stretch of time in which it is: directly or by a group.
-- Grain: grant_id, partner_id, given_from, given_until
-- Refresh: full
-- Ends when the partner leaves or is deleted; a parent's grants do not reach its children (docs/domain.md, 8).
with grants as (select * from core.grants),

partners as (select * from core.partners),

members as (select * from core.group_members),

identities as (select * from core.identities where entity = 'partner'),

directly as (
    select
        grants.grant_id,
        case when identities.source_id is null then grants.grantee_id else identities.target_id end as partner_id,
        coalesce(identities.holds_from, '-infinity'::timestamptz) as given_from,
        coalesce(identities.holds_until, 'infinity'::timestamptz) as given_until
    from grants
    left join identities on identities.source_id = grants.grantee_id
    where grants.grantee_type = 'partner'
),

by_group as (
    select
        grants.grant_id,
        members.partner_id,
        members.joined_at as given_from,
        coalesce(members.left_at, 'infinity'::timestamptz) as given_until
    from grants
    inner join members on members.group_id = grants.grantee_id
    where grants.grantee_type = 'partner_group'
),

given as (
    select * from directly
    union
    select * from by_group
),

limited as (
    select
        given.grant_id,
        given.partner_id,
        given.given_from,
        least(given.given_until, coalesce(partners.gone_from, 'infinity'::timestamptz)) as given_until
    from given
    inner join partners on partners.partner_id = given.partner_id
),

not_empty as (select distinct * from limited where given_from < given_until)

select * from not_empty
