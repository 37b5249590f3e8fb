-- One row per acknowledgment that is about no obligation that was sent.
-- Grain: ack_id
-- Refresh: by ack_id
-- Spine: core.acknowledgments
-- For K13 (docs/domain.md, 11): what could not be joined.
with classes as (select ack_id, class from freshness.acknowledgment_classes where class = 'unsolicited'),

acknowledgments as (select * from core.acknowledgments),

unsolicited as (
    select
        acknowledgments.ack_id,
        acknowledgments.partner_id,
        acknowledgments.asset_id,
        acknowledgments.version_no,
        acknowledgments.kind,
        acknowledgments.occurred_at
    from classes
    inner join acknowledgments on acknowledgments.ack_id = classes.ack_id
)

select * from unsolicited
