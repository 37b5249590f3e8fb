-- One row per acknowledgment and partner for whom it speaks: its own, and each direct child where it covers children.
-- Grain: ack_id, partner_id
-- Refresh: by ack_id
-- Spine: core.acknowledgments
-- Touched by: core.partners(partner_id) through core.acknowledgments
-- Touched by: core.partners(partner_id = parent_partner_id) through core.acknowledgments
-- docs/domain.md, 7. said_by_partner_id is the partner that acknowledged. What names no asset speaks about nothing.
with acknowledgments as (select * from core.acknowledgments where asset_id is not null),

partners as (select * from core.partners),

own as (
    select
        ack_id,
        partner_id,
        asset_id,
        version_no,
        kind,
        content_digest,
        occurred_at,
        revoked_at,
        partner_id as said_by_partner_id,
        user_id
    from acknowledgments
),

for_children as (
    select
        acknowledgments.ack_id,
        partners.partner_id,
        acknowledgments.asset_id,
        acknowledgments.version_no,
        acknowledgments.kind,
        acknowledgments.content_digest,
        acknowledgments.occurred_at,
        acknowledgments.revoked_at,
        acknowledgments.partner_id as said_by_partner_id,
        acknowledgments.user_id
    from acknowledgments
    inner join partners
        on partners.parent_partner_id = acknowledgments.partner_id
        and partners.partner_id <> acknowledgments.partner_id
    where acknowledgments.covers_children
),

answers as (
    select * from own
    union all
    select * from for_children
)

select * from answers
