-- One row per asset that a request's own words, or a later comment of its partner, name exactly: by its id, number or title.
-- Grain: request_id, said_in, asset_id
-- Refresh: full
-- said_in is query, or the comment's id. A name that lies within a longer one that is said too does not count, and within
-- a longer text neither does a title of one word or a name of two letters. Comments count from the beginning of the round.
with states as (
    select *
    from sync.request_states
    where status in ('new', 'accepted', 'in_progress', 'waiting_partner', 'reopened')
),

comments as (
    select *
    from core.comments
    where thread_type = 'request' and visibility = 'public' and redacted_at is null and created_at <= $as_of
),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

asset_names as (select * from sync.asset_names),

entitlements as (select partner_id, asset_id from freshness.entitlements where entitled),

sayings as (
    select
        request_id,
        partner_id,
        'query' as said_in,
        null::timestamptz as said_at,
        words_of(left(asset_query, 2000)) as words
    from states
    where asset_query is not null
    union all
    select
        states.request_id,
        states.partner_id,
        comments.comment_id as said_in,
        comments.created_at as said_at,
        words_of(left(comments.body, 2000)) as words
    from comments
    inner join states
        on states.request_id = comments.thread_id
        and states.partner_id = comments.partner_id
        and comments.created_at >= states.round_from
),

phrases as (
    select
        request_id,
        partner_id,
        said_in,
        said_at,
        array_to_string(words, ' ') as said,
        unnest(phrases_of(words, 12)) as phrase
    from sayings
),

spelled as (
    select asset_id, array_to_string(words_of(asset_id), ' ') as name, 'asset_id' as how from assets
    union all
    select asset_names.asset_id, array_to_string(words_of(asset_names.trading_grid_asset_id), ' ') as name, 'asset_id' as how
    from asset_names
    semi join assets on assets.asset_id = asset_names.asset_id
    where asset_names.trading_grid_asset_id is not null
    union all
    select asset_id, array_to_string(words_of(sku), ' ') as name, 'sku' as how from assets where sku is not null
    union all
    select asset_id, array_to_string(words_of(title), ' ') as name, 'title' as how from assets where title is not null
),

named as (
    select distinct
        phrases.request_id,
        phrases.partner_id,
        phrases.said_in,
        phrases.said_at,
        phrases.phrase,
        spelled.asset_id,
        spelled.how
    from phrases
    inner join spelled on spelled.name = phrases.phrase
    where
        spelled.name = phrases.said
        or (length(spelled.name) >= 3 and (spelled.how <> 'title' or contains(spelled.name, ' ')))
),

longest as (
    select named.*
    from named
    anti join named as longer
        on longer.request_id = named.request_id
        and longer.said_in = named.said_in
        and length(longer.phrase) > length(named.phrase)
        and contains(' ' || longer.phrase || ' ', ' ' || named.phrase || ' ')
),

mentions as (
    select
        longest.request_id,
        longest.said_in,
        longest.asset_id,
        min(longest.said_at) as said_at,
        min(longest.how) as how,
        bool_or(entitlements.asset_id is not null) as is_entitled
    from longest
    left join entitlements
        on entitlements.partner_id = longest.partner_id
        and entitlements.asset_id = longest.asset_id
    group by longest.request_id, longest.said_in, longest.asset_id
)

select * from mentions
