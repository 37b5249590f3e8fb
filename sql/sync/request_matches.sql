-- One row per request that is being worked on: the one asset that it means, or those that it may mean.
-- Grain: request_id
-- Refresh: full
-- docs/patterns/requests.md. verdict: one (asset_id is set; how says by what), several (candidates are to be offered, all of
-- them the partner's own), none, not_entitled (several are named, none of which it may have), or unresolved (nobody can say
-- which asset an id stands for). Where any of several can be delivered now, only such are offered. What the partner answered counts before what it asked for, unless that was an id.
with states as (
    select *
    from sync.request_states
    where status in ('new', 'accepted', 'in_progress', 'waiting_partner', 'reopened')
),

mentions as (select * from sync.request_mentions),

scores as (select * from sync.request_scores),

comments as (select * from core.comments where thread_type = 'request' and visibility = 'public' and redacted_at is null),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

lives as (
    select region, zone, asset_id
    from freshness.version_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

settings as (select * from ops.fulfilment_settings),

numbers as (
    select
        states.request_id,
        comments.comment_id as said_in,
        comments.created_at as said_at,
        list_distinct(
            regexp_extract_all(
                lower(comments.body), '(?:^|#|\b(?:no|nr|number|option|the|candidate)\b[ .:]*#?)[ ]*([0-9]{1,2})\b', 1
            )
        ) as said,
        states.asked_of
    from states
    inner join comments
        on comments.thread_id = states.request_id
        and comments.partner_id = states.partner_id
        and comments.created_at >= states.asked_at
        and comments.created_at <= $as_of
    where states.asked_of is not null and len(list_distinct(regexp_extract_all(comments.body, '[0-9]+'))) = 1
),

chosen_by_number as (
    select
        request_id,
        said_in,
        said_at,
        asked_of[cast(said[1] as integer)] as asset_id
    from numbers
    where len(said) = 1 and cast(said[1] as integer) between 1 and len(asked_of)
),

chosen_by_name as (
    select
        mentions.request_id,
        mentions.said_in,
        min(mentions.said_at) as said_at,
        case
            when count(*) = 1 then min(mentions.asset_id)
            when count(*) filter (where list_contains(states.asked_of, mentions.asset_id)) = 1
                then min(mentions.asset_id) filter (where list_contains(states.asked_of, mentions.asset_id))
        end as asset_id
    from mentions
    inner join states on states.request_id = mentions.request_id
    where mentions.said_in <> 'query' and (states.questions > 0 or states.times_reopened > 0 or states.asset_id is null)
    group by mentions.request_id, mentions.said_in
),

answers as (
    select * from chosen_by_name where asset_id is not null
    union all
    select chosen_by_number.*
    from chosen_by_number
    anti join chosen_by_name
        on chosen_by_name.request_id = chosen_by_number.request_id
        and chosen_by_name.said_in = chosen_by_number.said_in
        and chosen_by_name.asset_id is not null
),

last_answers as (
    select request_id, arg_max(asset_id, (said_at, said_in)) as asset_id, max(said_at) as said_at
    from answers
    group by request_id
),

named as (
    select
        request_id,
        count(*) as assets,
        count(*) filter (where is_entitled) as entitled_assets,
        min(asset_id) as only_asset_id,
        min(asset_id) filter (where is_entitled) as only_entitled_asset_id,
        list_sort(list(asset_id) filter (where is_entitled)) as entitled_asset_ids,
        min(how) as how
    from mentions
    where said_in = 'query'
    group by request_id
),

ranked as (
    select
        scores.*,
        row_number() over (partition by scores.request_id order by scores.score desc, scores.asset_id) as place,
        lead(scores.score) over (partition by scores.request_id order by scores.score desc, scores.asset_id) as next_score,
        max(scores.score) over (partition by scores.request_id) as best_score
    from scores
),

scored as (
    select
        ranked.request_id,
        min(ranked.asset_id) filter (where ranked.place = 1) as best_asset_id,
        coalesce(
            bool_or(
                ranked.place = 1
                and ranked.score >= settings.match_at_least
                and ranked.score - coalesce(ranked.next_score, 0) >= settings.match_margin
            ),
            false
        ) as is_clear,
        list(ranked.asset_id order by ranked.place) filter (
            where ranked.place <= settings.candidates
            and ranked.score >= settings.match_at_least / 2
            and ranked.score >= ranked.best_score - 0.3
        ) as asset_ids
    from ranked
    cross join settings
    group by ranked.request_id
),

judged as (
    select
        states.request_id,
        states.source_asset_id is not null and states.asset_id is null as is_unresolved,
        last_answers.asset_id as answered_asset_id,
        last_answers.said_at as answered_at,
        assets.asset_id as asked_asset_id,
        states.source_asset_id is not null as is_by_id,
        states.times_reopened > 0 as is_reopened,
        named.assets,
        coalesce(named.entitled_assets, 0) as entitled_assets,
        named.only_asset_id,
        named.only_entitled_asset_id,
        list_slice(named.entitled_asset_ids, 1, settings.candidates) as entitled_asset_ids,
        named.how,
        coalesce(scored.is_clear, false) as is_clear,
        scored.best_asset_id,
        coalesce(scored.asset_ids, []) as scored_asset_ids
    from states
    cross join settings
    left join last_answers on last_answers.request_id = states.request_id
    left join assets on assets.asset_id = states.asset_id
    left join named on named.request_id = states.request_id
    left join scored on scored.request_id = states.request_id
),

matched as (
    select
        request_id,
        answered_at,
        case
            when answered_asset_id is not null then 'answer'
            when is_unresolved then 'unresolved'
            when is_by_id then 'asset_id'
            when assets = 1 or entitled_assets = 1 then how
            when assets > 1 then 'named'
            when is_clear and not is_reopened then 'words'
            else 'words_of_many'
        end as how,
        answered_asset_id,
        asked_asset_id,
        assets,
        entitled_assets,
        only_asset_id,
        only_entitled_asset_id,
        entitled_asset_ids,
        best_asset_id,
        scored_asset_ids
    from judged
),

matches as (
    select
        request_id,
        how,
        answered_at,
        case
            when how = 'answer' then answered_asset_id
            when how = 'asset_id' and asked_asset_id is not null then asked_asset_id
            when how in ('asset_id', 'sku', 'title') and entitled_assets = 1 then only_entitled_asset_id
            when how in ('asset_id', 'sku', 'title') and assets = 1 then only_asset_id
            when how = 'words' then best_asset_id
        end as asset_id,
        case
            when how = 'named' then entitled_asset_ids
            when how = 'words_of_many' then scored_asset_ids
            else []
        end as candidates
    from matched
),

offered as (
    select
        request_id,
        unnest(candidates) as asset_id,
        generate_subscripts(candidates, 1) as place
    from matches
),

living as (
    select offered.request_id, list(offered.asset_id order by offered.place) as candidates
    from offered
    inner join states on states.request_id = offered.request_id
    semi join lives
        on lives.region = states.region
        and lives.zone = states.zone
        and lives.asset_id = offered.asset_id
    group by offered.request_id
),

with_verdict as (
    select
        matches.* exclude (candidates),
        coalesce(living.candidates, matches.candidates) as candidates,
        case
            when matches.how = 'unresolved' then 'unresolved'
            when matches.asset_id is not null then 'one'
            when len(matches.candidates) > 0 then 'several'
            when matches.how = 'named' then 'not_entitled'
            else 'none'
        end as verdict
    from matches
    left join living on living.request_id = matches.request_id
)

select * from with_verdict
