-- One row per access event as VIP has it now: its latest edition, its partner and user under Trading Grid's ids.
-- Grain: event_id
-- Refresh: by event_id
-- Stored plain: event_id, record_sha256, occurred_raw
-- Spine: core.access_events_history
-- Touched by: core.deliveries(delivery_id) through core.access_events_history
-- Touched by: core.partner_users(user_id) through core.access_events
-- Touched by: core.identities(given_partner_id = source_id) through core.access_events
-- Touched by: core.identities(source_user_id = source_id) through core.access_events
-- A missing partner or version is taken from the event's delivery, a missing partner then from its user; superseded_by
-- is the event that corrects it (docs/domain.md, 3). What still resolves to nobody has no partner_id.
-- Only keys with more than one edition are sorted: of a stream this large hardly any.
-- What is read in several places has a name for each: of one name DuckDB first writes all columns down.
with editions as (select * from core.access_events_history),

later_editions as (select event_id from core.access_events_history where edition > 1),

editions_again as (select * from core.access_events_history),

repeated as (select distinct event_id from later_editions),

ranked as (
    select
        editions.*,
        row_number() over (
            partition by editions.event_id
            order by editions.ordered_at desc, coalesce(editions.record_sha256, '') desc, editions.edition desc
        ) as place
    from editions_again as editions
    semi join repeated on repeated.event_id = editions.event_id
),

latest as (
    select editions.*
    from editions
    anti join repeated on repeated.event_id = editions.event_id
    union all by name
    select * exclude (place) from ranked
    where place = 1
),

deliveries as (select * from core.deliveries),

users as (select * from core.partner_users),

identities as (select * from core.identities),

corrections as (select * from core.corrections),

superseded as (
    select event_id, min(superseding_event_id) as superseded_by
    from corrections
    group by event_id
),

completed as (
    select
        latest.* exclude (partner_id, user_id, version_no),
        latest.partner_id as source_partner_id,
        latest.user_id as source_user_id,
        latest.version_no as source_version_no,
        coalesce(latest.partner_id, deliveries.source_partner_id) as given_partner_id,
        coalesce(latest.version_no, deliveries.version_no) as version_no,
        superseded.superseded_by
    from latest
    left join deliveries on deliveries.delivery_id = latest.delivery_id
    left join superseded on superseded.event_id = latest.event_id
),

known as (
    select
        completed.*,
        case
            when partner_ids.source_id is null then completed.given_partner_id else partner_ids.target_id
        end as resolved_partner_id,
        case when user_ids.source_id is null then completed.source_user_id else user_ids.target_id end as user_id
    from completed
    left join identities as partner_ids
        on partner_ids.entity = 'partner'
        and partner_ids.source_id = completed.given_partner_id
        and partner_ids.holds_from <= completed.occurred_at
        and completed.occurred_at < partner_ids.holds_until
    left join identities as user_ids
        on user_ids.entity = 'user'
        and user_ids.source_id = completed.source_user_id
        and user_ids.holds_from <= completed.occurred_at
        and completed.occurred_at < user_ids.holds_until
),

resolved as (
    select
        known.* exclude (resolved_partner_id),
        case
            when known.given_partner_id is null then users.partner_id else known.resolved_partner_id
        end as partner_id
    from known
    left join users on users.user_id = known.user_id
)

select * from resolved
