-- One row per request that is to be moved: what is written into its thread with that step, in the partner's language.
-- Grain: request_id
-- Refresh: full
-- A comment names what is the partner's own only: where it may not have an asset, it is told in the words that it asked in.
with fulfilments as (select * from sync.request_fulfilments where next_step is not null and next_step <> 'delivery'),

wordings as (select * from sync.request_wordings),

partners as (select * from core.partners),

assets as (select * from core.assets),

asset_names as (select * from sync.asset_names),

settings as (select * from ops.fulfilment_settings),

languages as (select distinct language from wordings),

spoken as (
    select
        fulfilments.*,
        coalesce(languages.language, 'en') as language,
        case
            when fulfilments.verdict = 'one' then 'one' else 'several'
        end as how_many
    from fulfilments
    left join partners on partners.partner_id = fulfilments.partner_id
    left join languages on languages.language = lower(left(partners.locale, 2))
),

offered as (
    select
        request_id,
        unnest(candidates) as asset_id,
        generate_subscripts(candidates, 1) as place
    from spoken
    where next_step = 'waiting_partner'
),

lists as (
    select
        offered.request_id,
        string_agg(
            offered.place || '. ' || left(coalesce(assets.title, offered.asset_id), 200)
            || ' ('
            || concat_ws(
                ', ', assets.sku, assets.locale, coalesce(asset_names.trading_grid_asset_id, offered.asset_id)
            )
            || ')',
            chr(10)
            order by offered.place
        ) as lines
    from offered
    inner join assets on assets.asset_id = offered.asset_id
    left join asset_names on asset_names.asset_id = offered.asset_id
    group by offered.request_id
),

failed as (
    select request_id, language, unnest(failed_channels) as channel from spoken where rule = 'delivery_failed'
),

channel_lists as (
    select
        failed.request_id,
        string_agg(coalesce(wordings.wording, failed.channel), ', ' order by failed.channel) as channels
    from failed
    left join wordings
        on wordings.name = 'channel:' || failed.channel
        and wordings.language = failed.language
    group by failed.request_id
),

sentences as (
    select
        request_id,
        1 as place,
        case
            when next_step = 'denied' then 'denied:' || rule
            when next_step = 'accepted' then 'accepted:' || how_many
            when next_step = 'in_progress' and rule = 'answered' then 'in_progress:answered:' || how_many
            when next_step = 'in_progress' then 'in_progress:' || how_many
            else next_step
        end as name
    from spoken
    union all
    select
        request_id,
        2 as place,
        'delivered:restricted' as name
    from spoken
    where next_step = 'delivered' and len(restricted_regions) > 0
    union all
    select
        request_id,
        3 as place,
        'delivered:confirm' as name
    from spoken
    where next_step = 'delivered'
),

texts as (
    select
        spoken.request_id,
        string_agg(wordings.wording, ' ' order by sentences.place) as text
    from spoken
    inner join sentences on sentences.request_id = spoken.request_id
    inner join wordings
        on wordings.name = sentences.name
        and wordings.language = spoken.language
    group by spoken.request_id
),

deadlines as (
    select
        zones.zone,
        timezone(zones.zone, $as_of + to_seconds(settings.answer_within_seconds)) as local_at
    from (select distinct zone from spoken) as zones
    cross join settings
),

named as (
    select
        spoken.request_id,
        spoken.language,
        texts.text,
        coalesce(cast(spoken.target_version_no as varchar), '') as version,
        '"' || left(coalesce(spoken.title, spoken.matched_asset_id), 200) || '"' as what,
        case
            when spoken.asset_query is not null then '"' || left(spoken.asset_query, 200) || '"'
            when spoken.source_asset_id is not null then '"' || left(spoken.source_asset_id, 200) || '"'
            else nameless.wording
        end as asked_for,
        coalesce(channels.wording, spoken.channel, '') as channel,
        coalesce(channel_lists.channels, '') as channels,
        chr(10) || coalesce(lists.lines, '') || chr(10) as lines,
        array_to_string(spoken.restricted_regions, ', ') as regions,
        spoken.region,
        coalesce(nullif(left(spoken.territory, 50), ''), spoken.region) as territory,
        cast(spoken.failures as varchar) as failures,
        replace(
            replace(
                replace(
                    replace(dates.wording, '{day}', cast(day(deadlines.local_at) as varchar)),
                    '{month}',
                    string_split(months.wording, ' ')[month(deadlines.local_at)]
                ),
                '{year}',
                cast(year(deadlines.local_at) as varchar)
            ),
            '{time}',
            strftime(deadlines.local_at, '%H:%M')
        ) || ' (' || spoken.zone || ')' as answer_by
    from spoken
    inner join deadlines on deadlines.zone = spoken.zone
    inner join wordings as dates on dates.name = 'date' and dates.language = spoken.language
    inner join wordings as months on months.name = 'months' and months.language = spoken.language
    inner join texts on texts.request_id = spoken.request_id
    inner join wordings as nameless
        on nameless.name = 'what_you_asked_for'
        and nameless.language = spoken.language
    left join wordings as channels
        on channels.name = 'channel:' || spoken.channel
        and channels.language = spoken.language
    left join channel_lists on channel_lists.request_id = spoken.request_id
    left join lists on lists.request_id = spoken.request_id
),

-- The partner's own words, and titles, are put in last: nothing in them is taken for a place to fill in.
short as (
    select
        *,
        replace(
            replace(
                replace(
                    replace(replace(text, '{version}', version), '{channel}', channel), '{channels}', channels
                ),
                '{failures}',
                failures
            ),
            '{answer_by}',
            answer_by
        ) as short_text
    from named
),

comments as (
    select
        request_id,
        language,
        replace(
            replace(
                replace(
                    replace(
                        replace(replace(short_text, '{regions}', coalesce(regions, '')), '{region}', coalesce(region, '')),
                        '{territory}',
                        coalesce(territory, '')
                    ),
                    '{lines}',
                    lines
                ),
                '{what}',
                coalesce(what, '')
            ),
            '{asked_for}',
            asked_for
        ) as comment
    from short
)

select * from comments
