-- One row per review as VIP has it now: its latest edition.
-- Grain: review_id
-- Refresh: by review_id
-- Spine: core.reviews_history
with editions as (select * from core.reviews_history),

ranked as (
    select
        *,
        row_number() over (
            partition by review_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
