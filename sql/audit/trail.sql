-- One row per event in either system, once per edition that we ever had of it, in the order in which we came to know them.
-- Grain: seq
-- Refresh: by subject_type, subject_id
-- Numbers: seq for subject_type, subject_id, edition
-- Keyed in: core.access_events_history(subject_type = 'access_event', subject_id = event_id)
-- Keyed in: core.access_events(subject_type = 'access_event', subject_id = event_id)
-- Keyed in: core.deliveries_history(subject_type = 'delivery', subject_id = delivery_id)
-- Keyed in: core.deliveries(subject_type = 'delivery', subject_id = delivery_id)
-- Keyed in: core.acknowledgments_history(subject_type = 'acknowledgment', subject_id = ack_id)
-- Keyed in: core.acknowledgments(subject_type = 'acknowledgment', subject_id = ack_id)
-- Keyed in: core.notices_history(subject_type = 'notice', subject_id = notice_id)
-- Keyed in: core.notices(subject_type = 'notice', subject_id = notice_id)
-- Keyed in: core.comments_history(subject_type = 'comment', subject_id = comment_id)
-- Keyed in: core.comments(subject_type = 'comment', subject_id = comment_id)
-- Keyed in: core.request_events_history(subject_type = 'request_event', subject_id = event_id)
-- Keyed in: core.issue_events_history(subject_type = 'issue_event', subject_id = event_id)
-- Keyed in: core.reviews_history(subject_type = 'review', subject_id = review_id)
-- Spine: core.access_events_history, core.deliveries_history, core.acknowledgments_history, core.notices_history
-- Spine: core.comments_history, core.request_events_history, core.issue_events_history, core.reviews_history
-- Follows: core.access_events, core.deliveries, core.acknowledgments, core.notices, core.comments, audit.first_verdicts
-- Touched by: core.asset_versions(asset_id, version_no) through core.acknowledgments
-- Touched by: core.requests(request_id) through core.request_events_history
-- Touched by: core.issues(issue_id) through core.issue_events_history, core.issues(issue_id) through core.reviews_history
-- Unmoved by: ops.turns
-- Published with: verdicts
-- The join of delivery metadata with acknowledgments, comments and exceptions (docs/domain.md, P7). subject_type and
-- subject_id name the record; superseded_by the access event that corrects it; evidence_rung what the event proves.
-- The verdicts are the subject's, so every edition of an access event or a delivery bears the same (docs/domain.md, 8).
with turns as (select * from ops.turns),

event_editions as (select * from core.access_events_history),

events as (select * from core.access_events),

delivery_editions as (select * from core.deliveries_history),

deliveries as (select * from core.deliveries),

acknowledgment_editions as (select * from core.acknowledgments_history),

acknowledgments as (select * from core.acknowledgments),

notice_editions as (select * from core.notices_history),

notices as (select * from core.notices),

comment_editions as (select * from core.comments_history),

comments as (select * from core.comments),

request_events as (select * from core.request_events_history),

requests as (select * from core.requests),

issue_events as (select * from core.issue_events_history),

issues as (select * from core.issues),

reviews as (select * from core.reviews_history),

versions as (select * from core.asset_versions),

first_verdicts as (select * from audit.first_verdicts),

from_events as (
    select
        1 as source_order,
        editions.occurred_at,
        editions.recorded_at,
        editions.known_at,
        editions.source_system,
        editions.event_type as event_kind,
        events.partner_id,
        events.user_id,
        editions.asset_id,
        events.version_no,
        'access_event' as subject_type,
        editions.event_id as subject_id,
        editions.edition,
        events.superseded_by,
        case editions.event_type when 'downloaded' then 4 when 'previewed' then 3 when 'opened' then 3 end
        as evidence_rung,
        editions.turn_no,
        editions.page_no,
        editions.row_no
    from event_editions as editions
    inner join events on events.event_id = editions.event_id
),

from_deliveries as (
    select
        2 as source_order,
        editions.status_at as occurred_at,
        editions.updated_at as recorded_at,
        editions.known_at,
        editions.source_system,
        'delivery_' || editions.status as event_kind,
        deliveries.partner_id,
        null::varchar as user_id,
        editions.asset_id,
        editions.version_no,
        'delivery' as subject_type,
        editions.delivery_id as subject_id,
        editions.edition,
        null::varchar as superseded_by,
        case
            when editions.status = 'picked_up' then 4
            when editions.status = 'delivered' and editions.channel in ('sftp', 'as2', 'api') then 4
            when editions.status = 'delivered' then 2
        end as evidence_rung,
        editions.turn_no,
        editions.page_no,
        editions.row_no
    from delivery_editions as editions
    inner join deliveries on deliveries.delivery_id = editions.delivery_id
),

from_acknowledgments as (
    select
        3 as source_order,
        editions.occurred_at,
        editions.recorded_at,
        editions.known_at,
        editions.source_system,
        case when editions.revoked_at is null then 'acknowledged_' || editions.kind else 'acknowledgment_revoked' end
        as event_kind,
        editions.partner_id,
        editions.user_id,
        acknowledgments.asset_id,
        acknowledgments.version_no,
        'acknowledgment' as subject_type,
        editions.ack_id as subject_id,
        editions.edition,
        null::varchar as superseded_by,
        case
            when editions.kind not in ('auto', 'received', 'read', 'accepted', 'completed') then null
            when editions.kind = 'auto' then 2
            when lower(editions.content_digest) = lower(versions.checksum_sha256) then 7
            when editions.kind = 'completed' then 6
            else 5
        end as evidence_rung,
        editions.turn_no,
        editions.page_no,
        editions.row_no
    from acknowledgment_editions as editions
    inner join acknowledgments on acknowledgments.ack_id = editions.ack_id
    left join versions
        on versions.asset_id = acknowledgments.asset_id
        and versions.version_no = acknowledgments.version_no
),

from_notices as (
    select
        4 as source_order,
        coalesce(editions.retracted_at, editions.posted_at) as occurred_at,
        null::timestamptz as recorded_at,
        editions.known_at,
        editions.source_system,
        case when editions.retracted_at is null then 'notice_' || editions.kind else 'notice_retracted' end
        as event_kind,
        editions.partner_id,
        null::varchar as user_id,
        notices.asset_id,
        editions.version_no,
        'notice' as subject_type,
        editions.notice_id as subject_id,
        editions.edition,
        null::varchar as superseded_by,
        1 as evidence_rung,
        editions.turn_no,
        editions.page_no,
        editions.row_no
    from notice_editions as editions
    inner join notices on notices.notice_id = editions.notice_id
),

from_comments as (
    select
        5 as source_order,
        coalesce(editions.redacted_at, editions.updated_at, editions.created_at, editions.known_at) as occurred_at,
        editions.updated_at as recorded_at,
        editions.known_at,
        editions.source_system,
        'commented_' || coalesce(editions.visibility, 'public') as event_kind,
        comments.about_partner_id as partner_id,
        editions.user_id,
        comments.about_asset_id as asset_id,
        comments.about_version_no as version_no,
        'comment' as subject_type,
        editions.comment_id as subject_id,
        editions.edition,
        null::varchar as superseded_by,
        null::integer as evidence_rung,
        editions.turn_no,
        editions.page_no,
        editions.row_no
    from comment_editions as editions
    inner join comments on comments.comment_id = editions.comment_id
),

from_requests as (
    select
        6 as source_order,
        steps.occurred_at,
        null::timestamptz as recorded_at,
        steps.known_at,
        steps.source_system,
        'request_' || steps.to_status as event_kind,
        requests.partner_id,
        null::varchar as user_id,
        requests.asset_id,
        null::bigint as version_no,
        'request_event' as subject_type,
        steps.event_id as subject_id,
        steps.edition,
        null::varchar as superseded_by,
        null::integer as evidence_rung,
        steps.turn_no,
        steps.page_no,
        steps.row_no
    from request_events as steps
    left join requests on requests.request_id = steps.request_id
),

from_issues as (
    select
        7 as source_order,
        steps.occurred_at,
        null::timestamptz as recorded_at,
        steps.known_at,
        steps.source_system,
        'issue_' || steps.to_status as event_kind,
        issues.partner_id,
        null::varchar as user_id,
        issues.asset_id,
        issues.version_no,
        'issue_event' as subject_type,
        steps.event_id as subject_id,
        steps.edition,
        null::varchar as superseded_by,
        null::integer as evidence_rung,
        steps.turn_no,
        steps.page_no,
        steps.row_no
    from issue_events as steps
    left join issues on issues.issue_id = steps.issue_id
),

from_reviews as (
    select
        8 as source_order,
        coalesce(reviews.updated_at, reviews.opened_at, reviews.known_at) as occurred_at,
        reviews.updated_at as recorded_at,
        reviews.known_at,
        reviews.source_system,
        'review_' || reviews.status as event_kind,
        issues.partner_id,
        null::varchar as user_id,
        reviews.asset_id,
        reviews.version_no,
        'review' as subject_type,
        reviews.review_id as subject_id,
        reviews.edition,
        null::varchar as superseded_by,
        null::integer as evidence_rung,
        reviews.turn_no,
        reviews.page_no,
        reviews.row_no
    from reviews
    left join issues on issues.issue_id = reviews.issue_id
),

every_event as (
    select * from from_events
    union all
    select * from from_deliveries
    union all
    select * from from_acknowledgments
    union all
    select * from from_notices
    union all
    select * from from_comments
    union all
    select * from from_requests
    union all
    select * from from_issues
    union all
    select * from from_reviews
),

trail as (
    select
        row_number() over (
            order by every_event.turn_no, every_event.source_order, every_event.page_no, every_event.row_no
        ) as seq,
        every_event.* exclude (source_order, turn_no, page_no, row_no),
        first_verdicts.entitlement_then,
        first_verdicts.timing_then,
        turns.turn_id as run_id
    from every_event
    left join turns on turns.turn_no = every_event.turn_no
    left join first_verdicts
        on first_verdicts.subject_type = every_event.subject_type
        and first_verdicts.subject_id = every_event.subject_id
)

select * from trail
