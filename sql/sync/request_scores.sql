-- One row per request that names no asset exactly and each of the 25 assets of its partner that its words fit best.
-- Grain: request_id, asset_id
-- Refresh: full
-- score, 0 to 1: seven tenths the share of the query's words (but for those that say nothing) that the asset's title,
-- number, brand, line, kind or language has, three tenths the Jaro-Winkler likeness of query and title. Only assets that
-- the partner is entitled to are looked at, so that no list offers another.
with states as (
    select *
    from sync.request_states
    where
        status in ('new', 'accepted', 'in_progress', 'waiting_partner', 'reopened')
        and source_asset_id is null
        and asset_query is not null
),

mentions as (select * from sync.request_mentions where said_in = 'query'),

assets as (select * from core.assets where deleted_at is null or deleted_at > $as_of),

entitlements as (select partner_id, asset_id from freshness.entitlements where entitled),

queries as (
    select
        states.request_id,
        states.partner_id,
        list_distinct(
            list_filter(
                words_of(left(states.asset_query, 500)),
                lambda word: not list_contains(
                    [
                        'the', 'a', 'an', 'of', 'for', 'to', 'and', 'or', 'we', 'our', 'i', 'me', 'us', 'you', 'your', 'need',
                        'please', 'send', 'current', 'latest', 'new', 'newest', 'version', 'file', 'in', 'is', 'are', 'any'
                    ],
                    word
                )
            )
        ) as words
    from states
    anti join mentions on mentions.request_id = states.request_id
),

described as (
    select
        asset_id,
        array_to_string(words_of(title), ' ') as title,
        list_distinct(words_of(concat_ws(' ', title, sku, brand, product_line, asset_type, locale))) as words
    from assets
),

likened as (
    select
        queries.request_id,
        described.asset_id,
        len(list_intersect(queries.words, described.words)) / len(queries.words) as share_of_words,
        jaro_winkler_similarity(array_to_string(queries.words, ' '), described.title) as likeness
    from queries
    inner join entitlements on entitlements.partner_id = queries.partner_id
    inner join described on described.asset_id = entitlements.asset_id
    where len(queries.words) > 0
),

scores as (
    select
        request_id,
        asset_id,
        round(0.7 * share_of_words + 0.3 * likeness, 6) as score
    from likened
    qualify row_number() over (partition by request_id order by score desc, asset_id) <= 25
)

select * from scores
