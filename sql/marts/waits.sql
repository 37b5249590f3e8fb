-- One row per month, division, outcome and moment: how many replacements of an older version have no end of their own.
-- Grain: month, dimension, dimension_value, outcome, moment
-- Refresh: sums of marts.time_to_currency
-- What K6 counts in marts.time_to_currency beside the reached. moment is in microseconds: of the not_reached, how long
-- it was waited for; of what is open, the instant since which it is (from 1970), so that nothing here changes by the
-- clock; of the prepositioned, 0. Instants of versions are few, so these are few rows.
with changes as (select * from marts.time_to_currency where outcome <> 'reached'),

partners as (select * from core.partners),

assets as (select * from core.assets),

programs as (select * from marts.partner_programs),

described as (
    select
        changes.partner_id,
        changes.month,
        changes.outcome,
        case
            when changes.outcome = 'prepositioned' then 0
            when changes.outcome = 'open' then microseconds_of(changes.started_at)
            else cast(round(changes.seconds * 1000000) as bigint)
        end as moment,
        coalesce(nullif(partners.region, ''), '(none)') as region,
        coalesce(nullif(partners.tier, ''), '(none)') as tier,
        coalesce(assets.brand, '(none)') as brand,
        coalesce(assets.classification, '(none)') as classification
    from changes
    inner join partners on partners.partner_id = changes.partner_id
    inner join assets on assets.asset_id = changes.asset_id
),

in_dimensions as (
    select
        month,
        case
            when grouping(region) = 0 then 'region'
            when grouping(tier) = 0 then 'tier'
            when grouping(brand) = 0 then 'brand'
            when grouping(classification) = 0 then 'classification'
            else 'all'
        end as dimension,
        coalesce(region, tier, brand, classification, 'all') as dimension_value,
        outcome,
        moment,
        count(*) as changes
    from described
    group by
        grouping sets (
            (month, outcome, moment),
            (month, outcome, moment, region),
            (month, outcome, moment, tier),
            (month, outcome, moment, brand),
            (month, outcome, moment, classification)
        )
),

in_programs as (
    select
        described.month,
        'program' as dimension,
        programs.program as dimension_value,
        described.outcome,
        described.moment,
        count(*) as changes
    from described
    inner join programs on programs.partner_id = described.partner_id
    group by described.month, programs.program, described.outcome, described.moment
),

waits as (
    select * from in_dimensions
    union all
    select * from in_programs
)

select * from waits
