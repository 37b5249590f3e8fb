-- One row per partner, division, ISO week and name of a count: how many notices it is true of.
-- Grain: partner_id, dimension, dimension_value, period, counted
-- Refresh: sums of marts.notice_quality
-- What K12 is made of (docs/domain.md, 11; docs/figures.md). dimension is partner (by week), brand or classification
-- (all weeks).
with notices as (select * from marts.notice_quality where partner_id is not null),

named as (
    select partner_id, brand, classification, week, 'notices_sent' as counted
    from notices
    where subject_type = 'notice'
    union all
    select partner_id, brand, classification, week, 'notices_decided' as counted
    from notices
    where is_ours
    union all
    select partner_id, brand, classification, week, 'suppressed' as counted
    from notices
    where subject_type = 'candidate'
    union all
    select partner_id, brand, classification, week, 'suppressed_' || suppressed_because as counted
    from notices
    where subject_type = 'candidate'
    union all
    select partner_id, brand, classification, week, 'notices_to_act_on' as counted
    from notices
    where asks_for_something and is_matured
    union all
    select partner_id, brand, classification, week, 'notices_acted_on' as counted
    from notices
    where asks_for_something and is_matured and acted_at is not null
    union all
    select partner_id, brand, classification, week, 'notices_not_matured' as counted
    from notices
    where asks_for_something and not is_matured
),

divided as (
    select
        partner_id,
        coalesce(brand, '(none)') as brand,
        coalesce(classification, '(none)') as classification,
        week,
        counted
    from named
),

counted as (
    select
        partner_id,
        case
            when grouping(brand) = 0 then 'brand'
            when grouping(classification) = 0 then 'classification'
            else 'partner'
        end as dimension,
        coalesce(brand, classification, '') as dimension_value,
        coalesce(week, 'all') as period,
        counted,
        count(*) as things
    from divided
    group by
        grouping sets (
            (partner_id, counted, week), (partner_id, counted, brand), (partner_id, counted, classification)
        )
)

select * from counted
