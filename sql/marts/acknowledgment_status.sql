-- One row per partner, asset and kind of notice: what the partner owes an answer to, and what it answered.
-- Grain: partner_id, asset_id, kind
-- Refresh: by partner_id, asset_id
-- Spine: freshness.obligations
-- Published with: as_of, data_late of obligation
-- Counts of obligations by state (docs/domain.md, 7). What was due and not sent counts as unsent, not as owed by the
-- partner; unsent_void is the part of it that nobody can be sent any more.
with obligations as (select * from freshness.obligations),

partners as (select * from core.partners),

assets as (select * from core.assets),

counted as (
    select
        partner_id,
        asset_id,
        kind,
        count(*) as obligations,
        count(sent_at) as sent,
        count(*) filter (where state = 'acknowledged') as acknowledged,
        count(*) filter (where state = 'acknowledged_late') as acknowledged_late,
        count(*) filter (where state = 'pending') as pending,
        count(*) filter (where state = 'overdue') as overdue,
        count(*) filter (where state = 'exception_requested') as exceptions_requested,
        count(*) filter (where state = 'declined') as declined,
        count(*) filter (where state = 'exempt') as exempt,
        count(*) filter (where state = 'closed_by_later') as closed_by_later,
        count(*) filter (where state = 'void') as void,
        count(*) filter (where state = 'unsent') as unsent,
        count(*) filter (where state = 'unsent' and void_from is not null) as unsent_void,
        count(*) filter (where acked_without_bytes) as acked_without_bytes,
        min(due_at) filter (where state = 'overdue') as overdue_since,
        max(version_no) filter (where state = 'overdue') as overdue_version_no,
        min(due_at) filter (where state = 'pending') as next_due_at,
        min(notice_due_at) filter (where state = 'unsent' and void_from is null) as unsent_since,
        max(sent_at) as last_sent_at,
        max(responded_at) as last_responded_at,
        min(next_change_at) as next_change_at
    from obligations
    group by partner_id, asset_id, kind
),

status as (
    select
        counted.partner_id,
        partners.name as partner_name,
        partners.region,
        partners.tier,
        counted.asset_id,
        assets.title as asset_title,
        assets.brand,
        coalesce(assets.classification, 'standard') as classification,
        assets.owner,
        counted.* exclude (partner_id, asset_id)
    from counted
    left join partners on partners.partner_id = counted.partner_id
    left join assets on assets.asset_id = counted.asset_id
)

select * from status
