-- One row per request that is not over: in which state it is, since when, and what was asked of the partner.
-- Grain: request_id
-- Refresh: full
-- docs/patterns/requests.md. status is the last step's, unless the request was changed after it. A round begins with the
-- request, and anew where it is reopened (round_from). times_* count the steps to a state in all rounds; questions are ours
-- in this round. asked_of lists what the last of them offered, in its order, while the request waits for its answer;
-- is_asked_by_us says that it does: what a person put to waiting_partner is that person's. is_enabled: configured, or, where
-- nothing is, both systems can be written to.
with requests as (select * from core.requests),

steps as (select * from core.request_events where occurred_at <= $as_of),

partners as (select * from core.partners),

partner_names as (select * from sync.partner_names),

own_moves as (
    select
        subject_id as request_id,
        decided_at,
        evidence,
        cast(regexp_extract(action_text, '([0-9]+)$', 1) as integer) as waiting_no
    from sync.earlier_actions
    where pattern = 'P1' and step = 'waiting_partner' and may_be_there
),

settings as (select * from ops.fulfilment_settings),

connections as (select * from ops.connections where stream in ('requests', 'deliveries')),

switch as (
    select
        coalesce(any_value(settings.is_enabled), coalesce(bool_and(connections.can_write), false)) as is_enabled
    from settings
    left join connections on true
),

reopenings as (
    select request_id, max(occurred_at) as reopened_at
    from steps
    where to_status = 'reopened'
    group by request_id
),

folded as (
    select
        steps.request_id,
        arg_max(steps.to_status, (steps.occurred_at, steps.event_id)) as last_status,
        max(steps.occurred_at) as last_step_at,
        count(*) filter (where steps.to_status = 'accepted') as times_accepted,
        count(*) filter (where steps.to_status = 'in_progress') as times_in_progress,
        count(*) filter (where steps.to_status = 'waiting_partner') as times_waiting,
        count(*) filter (where steps.to_status = 'delivered') as times_delivered,
        count(*) filter (where steps.to_status = 'denied') as times_denied,
        count(*) filter (where steps.to_status = 'closed') as times_closed,
        count(*) filter (where steps.to_status = 'reopened') as times_reopened,
        max(reopenings.reopened_at) as reopened_at,
        count(*) filter (
            where steps.to_status = 'waiting_partner' and steps.occurred_at < reopenings.reopened_at
        ) as times_waiting_before,
        max(steps.occurred_at) filter (where steps.to_status = 'waiting_partner') as waiting_since
    from steps
    left join reopenings on reopenings.request_id = steps.request_id
    group by steps.request_id
),

stated as (
    select
        requests.request_id,
        requests.partner_id,
        requests.asset_id,
        requests.source_asset_id,
        requests.asset_query,
        requests.territory,
        requests.needed_by,
        coalesce(requests.created_at, requests.known_at) as created_at,
        case
            when folded.last_step_at >= coalesce(requests.updated_at, folded.last_step_at) then folded.last_status
            else coalesce(requests.status, 'new')
        end as status,
        coalesce(folded.last_step_at, requests.created_at, requests.known_at) as status_since,
        coalesce(folded.times_accepted, 0) as times_accepted,
        coalesce(folded.times_in_progress, 0) as times_in_progress,
        coalesce(folded.times_waiting, 0) as times_waiting,
        coalesce(folded.times_delivered, 0) as times_delivered,
        coalesce(folded.times_denied, 0) as times_denied,
        coalesce(folded.times_closed, 0) as times_closed,
        coalesce(folded.times_reopened, 0) as times_reopened,
        coalesce(folded.times_waiting_before, 0) as times_waiting_before,
        coalesce(folded.reopened_at, '-infinity'::timestamptz) as round_from,
        folded.waiting_since
    from requests
    left join folded on folded.request_id = requests.request_id
),

questions as (
    select
        stated.request_id,
        count(*) as questions,
        max(own_moves.waiting_no) as last_waiting_no,
        arg_max(own_moves.evidence, own_moves.waiting_no) as evidence,
        arg_max(own_moves.decided_at, own_moves.waiting_no) as decided_at
    from stated
    inner join own_moves
        on own_moves.request_id = stated.request_id
        and own_moves.waiting_no > stated.times_waiting_before
    group by stated.request_id
),

states as (
    select
        stated.* exclude (times_waiting_before),
        coalesce(questions.questions, 0) as questions,
        coalesce(stated.waiting_since, questions.decided_at) as asked_at,
        from_json(questions.evidence, '["VARCHAR"]') as asked_of,
        stated.status = 'waiting_partner'
        and coalesce(questions.last_waiting_no >= greatest(stated.times_waiting, 1), false) as is_asked_by_us,
        partners.region,
        partners.zone,
        partner_names.vip_partner_id
    from stated
    cross join switch
    inner join partners on partners.partner_id = stated.partner_id
    left join partner_names on partner_names.partner_id = stated.partner_id
    left join questions on questions.request_id = stated.request_id
    where
        switch.is_enabled
        and stated.status not in ('denied', 'cancelled', 'closed')
        and (partners.gone_from is null or partners.gone_from > $as_of)
)

select * from states
