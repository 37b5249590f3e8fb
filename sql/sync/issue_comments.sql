-- One row per issue that is to be moved: what is written into its thread with that step, in the reporter's language.
-- Grain: issue_id
-- Refresh: full
-- Only the reporter's own facts: its versions, its earlier issue; never another partner, a review's reason, a comment.
with steps as (select * from sync.issue_steps where next_step not in ('review', 'delivery')),

wordings as (select * from sync.issue_wordings),

languages as (select distinct language from wordings),

spoken as (
    select
        steps.*,
        coalesce(languages.language, 'en') as language
    from steps
    left join languages on languages.language = lower(left(steps.locale, 2))
),

sentences as (
    select
        issue_id,
        1 as place,
        case
            when next_step = 'triaged' and round > 1 and finding = 'review' then 'triaged:again'
            when next_step = 'triaged' then 'triaged:' || finding
            when next_step = 'in_review' and status = 'replacement_approved' then 'in_review:again'
            when next_step = 'partner_notified' and status = 'triaged' and finding = 'removal' then 'remove'
            when next_step = 'partner_notified' then 'use'
            else next_step
        end as name
    from spoken
    union all
    select
        issue_id,
        2 as place,
        case when target_version_no is null then 'nothing_instead' else 'use' end as name
    from spoken
    where next_step = 'partner_notified' and status = 'triaged' and finding = 'removal'
    union all
    select
        issue_id,
        3 as place,
        case when is_delivered then 'delivered' else 'not_entitled' end as name
    from spoken
    where
        next_step = 'partner_notified'
        and target_version_no is not null
        and (is_delivered or (not is_entitled and not coalesce(holds_target, false)))
    union all
    select
        issue_id,
        4 as place,
        'confirm' as name
    from spoken
    where next_step = 'partner_notified'
),

comments as (
    select
        spoken.issue_id,
        spoken.language,
        replace(
            replace(
                string_agg(wordings.wording, ' ' order by sentences.place),
                '{version}',
                coalesce(cast(spoken.target_version_no as varchar), '')
            ),
            '{issue}',
            coalesce(spoken.original_id, '')
        ) as comment
    from spoken
    inner join sentences on sentences.issue_id = spoken.issue_id
    inner join wordings
        on wordings.name = sentences.name
        and wordings.language = spoken.language
    group by spoken.issue_id, spoken.language, spoken.target_version_no, spoken.original_id
)

select * from comments
