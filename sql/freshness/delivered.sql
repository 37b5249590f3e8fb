-- One row per delivery that ever reached delivered or picked_up: when it first did, to whom.
-- Grain: delivery_id
-- Refresh: by delivery_id
-- Spine: core.deliveries
-- Touched by: core.identities(source_partner_id = source_id) through core.deliveries
-- put_at is when it first reached delivered itself, obtained_at when the partner had the file for certain: delivered over sftp, as2 or api, or picked up; delivered_at
-- when it first reached either of the two (docs/domain.md, 5). Each once per delivery, at the status_at of the first edition.
with deliveries as (select * from core.deliveries),

editions as (
    select * from core.deliveries_history where status in ('delivered', 'picked_up')
),

identities as (select * from core.identities where entity = 'partner'),

reached as (
    select
        editions.delivery_id,
        arg_min(editions.status_at, (editions.ordered_at, coalesce(editions.record_sha256, ''), editions.edition)) as delivered_at,
        arg_min(editions.status_at, (editions.ordered_at, coalesce(editions.record_sha256, ''), editions.edition)) filter (
            where editions.status = 'delivered'
        ) as put_at,
        arg_min(editions.status_at, (editions.ordered_at, coalesce(editions.record_sha256, ''), editions.edition)) filter (
            where editions.status = 'picked_up' or editions.channel in ('sftp', 'as2', 'api')
        ) as obtained_at
    from editions
    group by editions.delivery_id
),

delivered as (
    select
        deliveries.delivery_id,
        case
            when identities.source_id is null then deliveries.source_partner_id else identities.target_id
        end as partner_id,
        deliveries.asset_id,
        deliveries.version_no,
        deliveries.channel,
        reached.delivered_at,
        reached.put_at,
        reached.obtained_at
    from reached
    inner join deliveries on deliveries.delivery_id = reached.delivery_id
    left join identities
        on identities.source_id = deliveries.source_partner_id
        and identities.holds_from <= coalesce(reached.obtained_at, reached.delivered_at)
        and coalesce(reached.obtained_at, reached.delivered_at) < identities.holds_until
)

select * from delivered
