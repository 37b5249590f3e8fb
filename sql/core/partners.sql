-- One row per partner as Trading Grid has it now: its latest edition.
-- Grain: partner_id
-- Refresh: by partner_id
-- Spine: core.partners_history
-- zone is its time zone, or UTC where it names none that exists. gone_from is when it left (from left_at, else from the
-- first edition that says so) or was deleted, whichever came first.
with editions as (select * from core.partners_history),

ranked as (
    select
        *,
        row_number() over (
            partition by partner_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1),

departures as (
    select partner_id, min(ordered_at) as said_left_at
    from editions
    where status = 'left'
    group by partner_id
),

zones as (select * from ops.zones),

partners as (
    select
        latest.* exclude (region),
        coalesce(latest.region, '') as region,
        coalesce(zones.zone, 'UTC') as zone,
        least(
            case when latest.status = 'left' then coalesce(latest.left_at, departures.said_left_at) end,
            latest.deleted_at
        ) as gone_from
    from latest
    left join departures on departures.partner_id = latest.partner_id
    left join zones on zones.zone = latest.timezone
)

select * from partners
