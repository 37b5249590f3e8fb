-- One row per measure that is a rate or a count, weighting, dimension, its value, and period.
-- Grain: figure, measure, weighting, dimension, dimension_value, period
-- Refresh: full
-- K3, K4, K5, K7, K9, K12 and K13 (docs/domain.md, 11) out of what the counts_of_* models count. Weighted by pair,
-- every thing counted weighs the same; by partner, every partner's own rate does (rounded to nine places, so that the
-- sum does not hang on its order), and a partner of whom nothing counts has none. Of a count, the partners' mean.
with measures as (select * from marts.measures where numerator is not null),

claims as (select * from ops.data_late),

lateness as (
    select claim, is_late from claims
    union all
    select 'any' as claim, bool_or(is_late) as is_late from claims
),

partner_dimensions as (select * from marts.partner_dimensions),

partners as (select * from core.partners),

counts as (
    select * from marts.counts_of_positions
    union all
    select * from marts.counts_of_obligations
    union all
    select * from marts.counts_of_due_obligations
    union all
    select * from marts.counts_of_events
    union all
    select * from marts.counts_of_violations
    union all
    select * from marts.counts_of_notices
    union all
    select * from marts.counts_of_acknowledgments
    union all
    select * from marts.counts_of_deliveries
    union all
    select * from marts.counts_of_nobody
),

by_partner as (
    select partner_id, period, counted, things from counts where dimension = 'partner'
    union all
    select partner_id, 'all' as period, counted, cast(sum(things) as bigint) as things
    from counts
    where dimension = 'partner' and period <> 'all'
    group by partner_id, counted
),

kinds (dimension) as (
    values ('region'), ('tier'), ('program')
),

divided as (
    select partner_id, 'all' as dimension, 'all' as dimension_value, period, counted, things from by_partner
    union all
    select
        by_partner.partner_id,
        kinds.dimension,
        coalesce(partner_dimensions.dimension_value, '(none)') as dimension_value,
        by_partner.period,
        by_partner.counted,
        by_partner.things
    from by_partner
    cross join kinds
    left join partner_dimensions
        on partner_dimensions.partner_id = by_partner.partner_id
        and partner_dimensions.dimension = kinds.dimension
    union all
    select partner_id, dimension, dimension_value, period, counted, things
    from counts
    where dimension in ('brand', 'classification')
),

roles as (
    select figure, measure, numerator as counted, 'numerator' as role, 1 as sign from measures
    union all
    select figure, measure, numerator_less as counted, 'numerator' as role, -1 as sign from measures
    union all
    select figure, measure, denominator as counted, 'denominator' as role, 1 as sign from measures
    union all
    select figure, measure, censored as counted, 'censored' as role, 1 as sign from measures
    union all
    select figure, measure, censored_less as counted, 'censored' as role, -1 as sign from measures
    union all
    select figure, measure, excluded as counted, 'excluded' as role, 1 as sign from measures
),

totals as (
    select dimension, dimension_value, period, counted, cast(sum(things) as bigint) as things
    from divided
    group by dimension, dimension_value, period, counted
),

summed as (
    select
        roles.figure,
        roles.measure,
        totals.dimension,
        totals.dimension_value,
        totals.period,
        sum(case when roles.role = 'numerator' then roles.sign * totals.things else 0 end)::double as numerator,
        sum(case when roles.role = 'denominator' then roles.sign * totals.things else 0 end)::double as denominator,
        sum(case when roles.role = 'censored' then roles.sign * totals.things else 0 end)::bigint as censored,
        sum(case when roles.role = 'excluded' then roles.sign * totals.things else 0 end)::bigint as excluded
    from totals
    inner join roles on roles.counted = totals.counted
    group by roles.figure, roles.measure, totals.dimension, totals.dimension_value, totals.period
    union all
    select figure, measure, 'all' as dimension, 'all' as dimension_value, 'all' as period, 0, 0, 0, 0
    from measures
),

by_pair as (
    select
        figure,
        measure,
        'pair' as weighting,
        dimension,
        dimension_value,
        period,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        cast(sum(denominator) as bigint) as things,
        cast(sum(censored) as bigint) as censored,
        cast(sum(excluded) as bigint) as excluded
    from summed
    group by figure, measure, dimension, dimension_value, period
),

partners_own as (
    select
        roles.figure,
        roles.measure,
        divided.partner_id,
        divided.dimension,
        divided.dimension_value,
        divided.period,
        sum(case when roles.role = 'numerator' then roles.sign * divided.things else 0 end)::bigint as numerator,
        sum(case when roles.role = 'denominator' then roles.sign * divided.things else 0 end)::bigint as denominator,
        sum(case when roles.role = 'censored' then roles.sign * divided.things else 0 end)::bigint as censored,
        sum(case when roles.role = 'excluded' then roles.sign * divided.things else 0 end)::bigint as excluded
    from divided
    inner join partners on partners.partner_id = divided.partner_id
    inner join roles on roles.counted = divided.counted
    inner join measures
        on measures.figure = roles.figure
        and measures.measure = roles.measure
        and measures.is_partner_weighted
    group by
        roles.figure,
        roles.measure,
        divided.partner_id,
        divided.dimension,
        divided.dimension_value,
        divided.period
),

of_partners as (
    select
        partners_own.figure,
        partners_own.measure,
        partners_own.dimension,
        partners_own.dimension_value,
        partners_own.period,
        case
            when measures.kind = 'count' then partners_own.numerator::decimal(18, 9)
            when partners_own.denominator > 0
                then (partners_own.numerator / partners_own.denominator)::decimal(18, 9)
            else 0
        end as rate,
        case
            when measures.kind = 'count' or partners_own.denominator > 0 then 1 else 0
        end as has_rate,
        partners_own.denominator as things,
        partners_own.censored,
        partners_own.excluded
    from partners_own
    inner join measures
        on measures.figure = partners_own.figure
        and measures.measure = partners_own.measure
    union all
    select figure, measure, 'all' as dimension, 'all' as dimension_value, 'all' as period, 0, 0, 0, 0, 0
    from measures
    where is_partner_weighted
),

by_partners_rate as (
    select
        figure,
        measure,
        'partner' as weighting,
        dimension,
        dimension_value,
        period,
        cast(sum(rate) as double) as numerator,
        cast(sum(has_rate) as double) as denominator,
        cast(sum(things) as bigint) as things,
        cast(sum(censored) as bigint) as censored,
        cast(sum(excluded) as bigint) as excluded
    from of_partners
    group by figure, measure, dimension, dimension_value, period
),

weighted as (
    select * from by_pair
    union all
    select * from by_partners_rate
),

judged as (
    select
        weighted.*,
        measures.kind,
        measures.unit,
        coalesce(lateness.is_late, false) as is_late
    from weighted
    inner join measures
        on measures.figure = weighted.figure
        and measures.measure = weighted.measure
    left join lateness on lateness.claim = measures.claim
),

taken_out as (
    select
        figure,
        measure,
        weighting,
        dimension,
        dimension_value,
        period,
        unit,
        case
            when is_late and kind = 'rate' then 0
            when kind = 'late' and not is_late then 0
            else numerator
        end as numerator,
        case
            when kind = 'count' and weighting = 'pair' then null
            when is_late and kind = 'rate' then 0
            else denominator
        end as denominator,
        case when is_late and kind = 'rate' then 0 else censored end as censored,
        case when is_late and kind = 'rate' then excluded + things else excluded end as excluded
    from judged
),

kpis as (
    select
        figure,
        measure,
        weighting,
        dimension,
        dimension_value,
        period,
        unit,
        numerator,
        denominator,
        case when denominator is null then numerator when denominator > 0 then numerator / denominator end as value,
        censored,
        excluded
    from taken_out
    where numerator + coalesce(denominator, 0) + censored + excluded > 0
        or (dimension = 'all' and period = 'all')
)

select * from kpis
