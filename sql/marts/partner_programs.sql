-- One row per partner and partner program that it is in at as_of; '(none)' for a partner in none.
-- Grain: partner_id, program
-- Refresh: full
-- A program is the value of a partner group of the dimension partner_program. A partner in several has several rows,
-- and counts in each (docs/figures.md).
with partners as (select * from core.partners),

members as (
    select * from core.group_members where joined_at <= $as_of and (left_at is null or left_at > $as_of)
),

programs as (
    select group_id, coalesce(value, name, group_id) as program
    from core.partner_groups
    where dimension = 'partner_program'
),

in_programs as (
    select distinct members.partner_id, programs.program
    from members
    inner join programs on programs.group_id = members.group_id
),

partner_programs as (
    select partners.partner_id, coalesce(in_programs.program, '(none)') as program
    from partners
    left join in_programs on in_programs.partner_id = partners.partner_id
)

select * from partner_programs
