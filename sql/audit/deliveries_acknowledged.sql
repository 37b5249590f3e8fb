-- One row per partner, asset and version that was delivered, opened, obtained, told of or acknowledged.
-- Grain: partner_id, asset_id, version_no
-- Refresh: by partner_id, asset_id
-- Spine: audit.trail, core.notices, freshness.delivered, freshness.answers
-- Changes at: audit.trail.occurred_at, freshness.answers.occurred_at, freshness.answers.revoked_at
-- Changes at: core.notices.posted_at, core.access_events.occurred_at, freshness.delivered.delivered_at
-- The audit join: what VIP says the partner got beside what the partner, or its parent for it, said in Trading Grid. What
-- was delivered, opened and told is what is known of it now; the trail has what was once said of it too. A delivery
-- counts once, when it first reached delivered or picked_up; a notice when it was posted, also if it was retracted. The
-- obligation is that about having the version (sent before unsent, version_change before publish), else that about its
-- removal. ack_id is the answer that counts for it, else the first acknowledgment of the version by a person; claimed_*
-- is the first by the partner itself that says received, read or accepted; unsolicited = nothing was asked about this
-- version. contradictions are docs/domain.md, 8.
with trail as (
    select * from audit.trail
    where superseded_by is null
        and partner_id is not null
        and asset_id is not null
        and version_no is not null
        and occurred_at <= $as_of
),

deliveries as (
    select * from freshness.delivered
    where partner_id is not null
        and asset_id is not null
        and version_no is not null
        and delivered_at <= $as_of
),

looks as (
    select * from core.access_events
    where event_type in ('opened', 'previewed') and superseded_by is null and occurred_at <= $as_of
),

notices as (
    select * from core.notices
    where partner_id is not null
        and asset_id is not null
        and version_no is not null
        and posted_at <= $as_of
),

answers as (
    select * from freshness.answers
    where occurred_at <= $as_of
        and (revoked_at is null or revoked_at > $as_of)
        and kind in ('received', 'read', 'accepted', 'completed')
        and version_no is not null
),

said as (select * from freshness.answers),

copies as (select * from freshness.versions_obtained),

evidence as (select * from freshness.evidence),

obligations as (select * from freshness.obligations),

removal_classes as (select * from freshness.acknowledgment_classes where kind in ('withdrawal', 'expiry')),

found as (
    select partner_id, asset_id, version_no, rule from audit.copy_conditions
    union
    select partner_id, asset_id, version_no, rule from audit.delivery_conditions where rule = 'delivered_superseded'
    union
    select partner_id, asset_id, version_no, rule from audit.issue_conditions
),

events as (
    select
        partner_id,
        asset_id,
        version_no,
        count(distinct subject_id) filter (where subject_type = 'comment') as comments,
        count(distinct subject_id) filter (where event_kind = 'issue_reported') as issues
    from trail
    group by partner_id, asset_id, version_no
),

delivered as (
    select
        partner_id,
        asset_id,
        version_no,
        min(delivered_at) as first_delivered_at,
        max(delivered_at) as last_delivered_at
    from deliveries
    group by partner_id, asset_id, version_no
),

opened as (
    select partner_id, asset_id, version_no, min(occurred_at) as first_opened_at
    from looks
    group by partner_id, asset_id, version_no
),

notified as (
    select partner_id, asset_id, version_no, min(posted_at) as first_notified_at
    from notices
    group by partner_id, asset_id, version_no
),

named as (
    select
        partner_id,
        asset_id,
        version_no,
        min(occurred_at) as acknowledged_at,
        arg_min(ack_id, (occurred_at, ack_id)) as ack_id,
        bool_or(said_by_partner_id = partner_id) as is_own,
        min(occurred_at) filter (where said_by_partner_id = partner_id and kind <> 'completed') as claimed_at,
        arg_min(ack_id, (occurred_at, ack_id)) filter (
            where said_by_partner_id = partner_id and kind <> 'completed'
        ) as claimed_ack_id
    from answers
    group by partner_id, asset_id, version_no
),

ranked as (
    select
        *,
        coalesce(ack_class <> 'response_only', false) as is_answered,
        case kind when 'version_change' then 1 when 'publish' then 2 when 'withdrawal' then 5 else 6 end
        + case when sent_at is null then 2 else 0 end as place
    from obligations
),

first_places as (
    select partner_id, asset_id, version_no, min(place) as place
    from ranked
    group by partner_id, asset_id, version_no
),

asked as (
    select ranked.*
    from ranked
    inner join first_places
        on first_places.partner_id = ranked.partner_id
        and first_places.asset_id = ranked.asset_id
        and first_places.version_no = ranked.version_no
        and first_places.place = ranked.place
),

contradicted as (
    select partner_id, asset_id, version_no, list_sort(list(rule)) as rules
    from found
    where version_no is not null
    group by partner_id, asset_id, version_no
),

spine as (
    select partner_id, asset_id, version_no from events
    union
    select partner_id, asset_id, version_no from delivered
    union
    select partner_id, asset_id, version_no from notified
    union
    select partner_id, asset_id, version_no from named where is_own
),

paired as (
    select
        spine.partner_id,
        spine.asset_id,
        spine.version_no,
        asked.kind as obligation_kind,
        asked.state as obligation_state,
        asked.sent_at as obligation_sent_at,
        case when asked.is_answered then asked.responded_at else named.acknowledged_at end as acknowledged_at,
        case when asked.is_answered then asked.ack_id else named.ack_id end as ack_id,
        case when asked.is_answered then asked.ack_class end as ack_class,
        named.claimed_at,
        named.claimed_ack_id
    from spine
    left join asked
        on asked.partner_id = spine.partner_id
        and asked.asset_id = spine.asset_id
        and asked.version_no = spine.version_no
    left join named
        on named.partner_id = spine.partner_id
        and named.asset_id = spine.asset_id
        and named.version_no = spine.version_no
),

joined as (
    select
        paired.partner_id,
        paired.asset_id,
        paired.version_no,
        notified.first_notified_at,
        delivered.first_delivered_at,
        delivered.last_delivered_at,
        opened.first_opened_at,
        copies.first_obtained_at,
        copies.last_obtained_at,
        coalesce(copies.times_obtained, 0) as times_obtained,
        paired.acknowledged_at,
        paired.ack_id,
        said.kind as ack_kind,
        coalesce(
            paired.ack_class,
            removal_classes.class,
            case when paired.ack_id is not null and paired.obligation_sent_at is null then 'unsolicited' end
        ) as ack_class,
        said.user_id as acknowledged_by,
        said.said_by_partner_id as acknowledged_by_partner_id,
        paired.claimed_ack_id,
        coalesce(events.comments, 0) as comments,
        coalesce(events.issues, 0) as issues,
        paired.obligation_kind,
        paired.obligation_state,
        evidence.evidence_rung,
        list_sort(
            list_concat(
                list_filter(
                    [
                        case
                            when paired.claimed_at is not null and copies.first_obtained_at is null
                                then 'acknowledged_without_bytes'
                        end,
                        case
                            when paired.claimed_at < copies.first_obtained_at then 'acknowledged_before_obtained'
                        end,
                        case
                            when paired.claimed_at is not null
                                and notified.first_notified_at is null
                                and delivered.first_delivered_at is null
                                and opened.first_opened_at is null
                                and copies.first_obtained_at is null
                                then 'acknowledged_never_sent'
                        end
                    ],
                    lambda contradiction: contradiction is not null
                ),
                coalesce(contradicted.rules, [])
            )
        ) as contradictions
    from paired
    left join events
        on events.partner_id = paired.partner_id
        and events.asset_id = paired.asset_id
        and events.version_no = paired.version_no
    left join delivered
        on delivered.partner_id = paired.partner_id
        and delivered.asset_id = paired.asset_id
        and delivered.version_no = paired.version_no
    left join opened
        on opened.partner_id = paired.partner_id
        and opened.asset_id = paired.asset_id
        and opened.version_no = paired.version_no
    left join notified
        on notified.partner_id = paired.partner_id
        and notified.asset_id = paired.asset_id
        and notified.version_no = paired.version_no
    left join copies
        on copies.partner_id = paired.partner_id
        and copies.asset_id = paired.asset_id
        and copies.version_no = paired.version_no
    left join evidence
        on evidence.partner_id = paired.partner_id
        and evidence.asset_id = paired.asset_id
        and evidence.version_no = paired.version_no
    left join contradicted
        on contradicted.partner_id = paired.partner_id
        and contradicted.asset_id = paired.asset_id
        and contradicted.version_no = paired.version_no
    left join said
        on said.partner_id = paired.partner_id
        and said.asset_id = paired.asset_id
        and said.ack_id = paired.ack_id
    left join removal_classes
        on removal_classes.partner_id = paired.partner_id
        and removal_classes.asset_id = paired.asset_id
        and removal_classes.version_no = paired.version_no
        and removal_classes.kind = paired.obligation_kind
        and removal_classes.ack_id = paired.ack_id
)

select * from joined
