-- One row per delivery as VIP has it now: its latest edition, its partner under Trading Grid's id.
-- Grain: delivery_id
-- Refresh: by delivery_id
-- Stored plain: delivery_id, record_sha256
-- Spine: core.deliveries_history
-- Touched by: core.identities(source_partner_id = source_id) through core.deliveries
with editions as (select * from core.deliveries_history),

ranked as (
    select
        *,
        row_number() over (
            partition by delivery_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

identities as (select * from core.identities where entity = 'partner'),

resolved as (
    select
        latest.* exclude (partner_id),
        latest.partner_id as source_partner_id,
        case when identities.source_id is null then latest.partner_id else identities.target_id end as partner_id
    from latest
    left join identities
        on identities.source_id = latest.partner_id
        and identities.holds_from <= latest.status_at
        and latest.status_at < identities.holds_until
)

select * from resolved
