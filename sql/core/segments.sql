-- One row per segment as VIP has it now: its latest edition.
-- Grain: segment_id
-- Refresh: by segment_id
-- Spine: core.segments_history
with editions as (select * from core.segments_history),

ranked as (
    select
        *,
        row_number() over (
            partition by segment_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
