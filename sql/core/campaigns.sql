-- One row per campaign as Trading Grid has it now: its latest edition.
-- Grain: campaign_id
-- Refresh: by campaign_id
-- Spine: core.campaigns_history
with editions as (select * from core.campaigns_history),

ranked as (
    select
        *,
        row_number() over (
            partition by campaign_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
