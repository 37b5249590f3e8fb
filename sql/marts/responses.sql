-- One row per sent obligation that got any response.
-- Grain: partner_id, asset_id, version_no, kind
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obligations
-- For K4 (docs/domain.md, 11): a response is any acknowledgment about the obligation but a revoked one, an automatic one
-- and a proxy's, whatever version these name; a valid answer, or one of another class.
with obligations as (select * from freshness.obligations where sent_at is not null),

classes as (
    select * from freshness.acknowledgment_classes
    where class in ('response_only', 'unresolved_version', 'wrong_version_older', 'later_version', 'too_early')
        and ack_kind not in ('auto', 'proxy')
),

not_valid as (
    select distinct partner_id, asset_id, version_no, kind from classes
),

responses as (
    select
        obligations.partner_id,
        obligations.asset_id,
        obligations.version_no,
        obligations.kind,
        obligations.sent_at,
        obligations.valid_answers
    from obligations
    left join not_valid
        on not_valid.partner_id = obligations.partner_id
        and not_valid.asset_id = obligations.asset_id
        and not_valid.version_no = obligations.version_no
        and not_valid.kind = obligations.kind
    where obligations.valid_answers > 0 or not_valid.partner_id is not null
)

select * from responses
