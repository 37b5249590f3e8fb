-- One row per partner's user as Trading Grid has it now: its latest edition.
-- Grain: user_id
-- Refresh: by user_id
-- Spine: core.partner_users_history
with editions as (select * from core.partner_users_history),

ranked as (
    select
        *,
        row_number() over (
            partition by user_id
            order by ordered_at desc, coalesce(record_sha256, '') desc, edition desc
        ) as place
    from editions
),

latest as (select * exclude (place) from ranked where place = 1)

select * from latest
