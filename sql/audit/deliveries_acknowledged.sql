-- One row per partner, asset and version that was delivered, opened, obtained, told of or acknowledged.
-- Grain: partner_id, asset_id, version_no
-- Refresh: full
-- The audit join: what VIP says the partner got beside what the partner said in Trading Grid, as known now.
-- acknowledged_at is the first acknowledgment by a person (received, read, accepted, completed; not revoked).
with trail as (
    select * from audit.trail
    where superseded_by is null
        and partner_id is not null
        and asset_id is not null
        and version_no is not null
        and occurred_at <= $as_of
),

acknowledgments as (
    select * from core.acknowledgments
    where occurred_at <= $as_of
        and (revoked_at is null or revoked_at > $as_of)
        and kind in ('received', 'read', 'accepted', 'completed')
        and asset_id is not null
        and version_no is not null
),

obtained as (select * from freshness.obtained where obtained_at <= $as_of and version_no is not null),

evidence as (select * from freshness.evidence),

events as (
    select
        partner_id,
        asset_id,
        version_no,
        min(occurred_at) filter (where event_kind in ('delivery_delivered', 'delivery_picked_up')) as first_delivered_at,
        max(occurred_at) filter (where event_kind in ('delivery_delivered', 'delivery_picked_up')) as last_delivered_at,
        min(occurred_at) filter (where event_kind in ('opened', 'previewed')) as first_opened_at,
        min(occurred_at) filter (where subject_type = 'notice') as first_notified_at,
        count(distinct subject_id) filter (where subject_type = 'comment') as comments,
        count(distinct subject_id) filter (where event_kind = 'issue_reported') as issues
    from trail
    group by partner_id, asset_id, version_no
),

copies as (
    select
        partner_id,
        asset_id,
        version_no,
        min(obtained_at) as first_obtained_at,
        max(obtained_at) as last_obtained_at,
        count(*) as times_obtained
    from obtained
    group by partner_id, asset_id, version_no
),

answers as (
    select
        partner_id,
        asset_id,
        version_no,
        min(occurred_at) as acknowledged_at,
        arg_min(ack_id, (occurred_at, ack_id)) as ack_id,
        arg_min(kind, (occurred_at, ack_id)) as ack_kind,
        arg_min(user_id, (occurred_at, ack_id)) as acknowledged_by
    from acknowledgments
    group by partner_id, asset_id, version_no
),

spine as (
    select partner_id, asset_id, version_no from events
    union
    select partner_id, asset_id, version_no from answers
),

joined as (
    select
        spine.partner_id,
        spine.asset_id,
        spine.version_no,
        events.first_notified_at,
        events.first_delivered_at,
        events.last_delivered_at,
        events.first_opened_at,
        copies.first_obtained_at,
        copies.last_obtained_at,
        coalesce(copies.times_obtained, 0) as times_obtained,
        answers.acknowledged_at,
        answers.ack_id,
        answers.ack_kind,
        answers.acknowledged_by,
        coalesce(events.comments, 0) as comments,
        coalesce(events.issues, 0) as issues,
        evidence.evidence_rung,
        list_filter(
            [
                case
                    when answers.ack_kind in ('received', 'read', 'accepted') and copies.first_obtained_at is null
                        then 'acknowledged_without_bytes'
                end,
                case
                    when answers.acknowledged_at < copies.first_obtained_at then 'acknowledged_before_obtained'
                end
            ],
            lambda contradiction: contradiction is not null
        ) as contradictions
    from spine
    left join events
        on events.partner_id = spine.partner_id
        and events.asset_id = spine.asset_id
        and events.version_no = spine.version_no
    left join copies
        on copies.partner_id = spine.partner_id
        and copies.asset_id = spine.asset_id
        and copies.version_no = spine.version_no
    left join answers
        on answers.partner_id = spine.partner_id
        and answers.asset_id = spine.asset_id
        and answers.version_no = spine.version_no
    left join evidence
        on evidence.partner_id = spine.partner_id
        and evidence.asset_id = spine.asset_id
        and evidence.version_no = spine.version_no
)

select * from joined
