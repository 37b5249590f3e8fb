-- One row per action that P3 wants and that is not done: what is to be changed where, and why.
-- Grain: action_text
-- Refresh: full
-- The columns' meaning is sql/sync/desired_actions.sql; docs/patterns/exceptions.md has the table of steps. The last part
-- of action_text is the issue's round (and, where a step comes again in a round, which time it is), a review's is its
-- number among those about that version: issues about one version share it, whoever reported them.
with steps as (select * from sync.issue_steps where next_step is not null),

comments as (select * from sync.issue_comments),

radius as (select * from sync.issue_blast_radius),

deliveries as (select * from core.deliveries),

partners as (select * from core.partners where length(name) > 3),

numbered as (
    select
        steps.*,
        case
            when next_step = 'delivery' and deliveries_failed > 0 then round || '.' || (deliveries_failed + 1)
            when next_step <> 'delivery' and times_before > 0 then round || '.' || (times_before + 1)
            else cast(round as varchar)
        end as round_text,
        classification = 'safety' or severity = 'critical' as is_urgent
    from steps
),

usual_channels as (
    select
        deliveries.partner_id,
        arg_max(deliveries.channel, (deliveries.status_at, deliveries.delivery_id)) as channel
    from deliveries
    semi join numbered
        on numbered.partner_id = deliveries.partner_id
        and numbered.next_step = 'delivery'
    where deliveries.status in ('delivered', 'picked_up')
    group by deliveries.partner_id
),

moves as (
    select
        'P3|' || key_part(numbered.issue_id) || '|' || numbered.next_step || '|' || numbered.round_text as action_text,
        'trading_grid' as target_system,
        'move_issue' as operation,
        numbered.issue_id as subject_id,
        numbered.next_step as step,
        numbered.partner_id,
        numbered.asset_id,
        cast(numbered.faulty_version_no as integer) as version_no,
        json_object(
            'issue_id', numbered.issue_id,
            'to_status', numbered.next_step,
            'comment', comments.comment,
            'duplicate_of', case when numbered.next_step = 'duplicate' then numbered.original_id end
        ) as payload,
        case
            when numbered.status = 'reported' then 'A partner reported it, and nobody has looked at it yet.'
            when numbered.status = 'reopened' then 'The partner reopened it.'
            when numbered.next_step = 'duplicate' then 'The same partner reported the same before.'
            when numbered.next_step = 'in_review' and numbered.status = 'replacement_approved'
                then 'The approved replacement was withdrawn before it was in force for the reporter.'
            when numbered.next_step = 'in_review' then 'A review in VIP is about it.'
            when numbered.next_step = 'rejected' then 'The review in VIP was rejected.'
            when numbered.next_step = 'replacement_approved' then 'The review in VIP approved a replacement.'
            when numbered.next_step = 'replacement_published' then 'A newer version is in force for the reporter.'
            else 'The reporter has been given what it should hold.'
        end as reason,
        numbered.status || '_' || case
            when numbered.status in ('reported', 'reopened', 'triaged') then numbered.finding
            else coalesce(numbered.outcome, 'by_hand')
        end as rule,
        to_json(list_filter([numbered.issue_id, numbered.original_id, numbered.review_id], lambda one: one is not null))
        as evidence,
        numbered.status_since as due_at,
        numbered.is_urgent
    from numbered
    inner join comments on comments.issue_id = numbered.issue_id
    where numbered.next_step not in ('review', 'delivery')
),

pushes as (
    select
        'P3|' || key_part(numbered.issue_id) || '|delivery:' || numbered.target_version_no
        || '|' || numbered.round_text as action_text,
        'vip' as target_system,
        'create_delivery' as operation,
        numbered.issue_id as subject_id,
        'delivery' as step,
        numbered.partner_id,
        numbered.asset_id,
        cast(numbered.target_version_no as integer) as version_no,
        json_object(
            'partner_id', numbered.vip_partner_id,
            'asset_id', numbered.asset_id,
            'version_no', cast(numbered.target_version_no as varchar),
            'channel', coalesce(usual_channels.channel, 'portal')
        ) as payload,
        'The reporter is to have version ' || numbered.target_version_no || ', and has not been sent it.' as reason,
        numbered.status || '_' || case when numbered.status = 'triaged' then numbered.finding else 'replaced' end as rule,
        to_json(list_filter([numbered.issue_id, numbered.review_id], lambda one: one is not null)) as evidence,
        numbered.status_since as due_at,
        numbered.is_urgent
    from numbered
    left join usual_channels on usual_channels.partner_id = numbered.partner_id
    where numbered.next_step = 'delivery'
    qualify row_number() over (
        partition by numbered.partner_id, numbered.asset_id order by numbered.reported_at, numbered.issue_id
    ) = 1
),

reviewable as (
    select *
    from numbered
    where next_step = 'review'
),

shared as (
    select
        asset_id,
        faulty_version_no,
        arg_min(issue_id, (reported_at, issue_id)) as issue_id,
        list_sort(list(issue_id)) as issue_ids,
        count(*) as issues,
        count(distinct partner_id) as reporters,
        max(reviews_before) + 1 as review_no,
        max(round) as round,
        string_agg(distinct category, ', ' order by category) as categories,
        arg_min(left(description, 1000), (reported_at, issue_id)) as description,
        min(status_since) as due_at,
        bool_or(is_urgent) as is_urgent
    from reviewable
    group by asset_id, faulty_version_no
),

named as (
    select
        shared.asset_id,
        shared.faulty_version_no,
        list(partners.name order by length(partners.name) desc, partners.name) as names
    from shared
    inner join partners on contains(shared.description, partners.name)
    group by shared.asset_id, shared.faulty_version_no
),

holders as (
    select
        asset_id,
        version_no,
        count(*) filter (where not is_reporter) as others,
        count(*) filter (where not is_reporter and position = 'current') as others_current
    from radius
    where not has_left
    group by asset_id, version_no
),

reviews as (
    select
        'P3|' || key_part(shared.asset_id) || '|' || coalesce(cast(shared.faulty_version_no as varchar), '')
        || '|review|' || shared.review_no as action_text,
        'vip' as target_system,
        'open_review' as operation,
        shared.issue_id as subject_id,
        'review' as step,
        null::varchar as partner_id,
        shared.asset_id,
        cast(shared.faulty_version_no as integer) as version_no,
        json_object(
            'asset_id', shared.asset_id,
            'version_no', cast(shared.faulty_version_no as varchar),
            'issue_id', shared.issue_id,
            'reason', concat_ws(
                ' ',
                'Reported by ' || shared.reporters
                || case when shared.reporters = 1 then ' partner' else ' partners' end || ' (' || shared.categories || ').',
                case when shared.round > 1 then 'Reopened: an earlier answer did not settle it.' end,
                case
                    when shared.faulty_version_no is null then 'The report names no version that is known.'
                    when coalesce(holders.others, 0) = 0
                        then 'Nobody else holds version ' || shared.faulty_version_no || ' now.'
                    else 'Version ' || shared.faulty_version_no || ' is held by ' || holders.others
                        || case when holders.others = 1 then ' other partner' else ' other partners' end
                        || ' now; for ' || holders.others_current || ' it is the current one.'
                end,
                'Said: "' || list_reduce(
                    list_prepend(shared.description, coalesce(named.names, [])),
                    lambda words, name: replace(words, name, '[partner]')
                ) || '"'
            )
        ) as payload,
        'No review in VIP is about what was reported.' as reason,
        'review_needed' as rule,
        to_json(shared.issue_ids) as evidence,
        shared.due_at,
        shared.is_urgent
    from shared
    left join named
        on named.asset_id = shared.asset_id
        and named.faulty_version_no is not distinct from shared.faulty_version_no
    left join holders
        on holders.asset_id = shared.asset_id
        and holders.version_no = shared.faulty_version_no
),

wanted as (
    select * from moves
    union all by name
    select * from pushes
    union all by name
    select * from reviews
),

issue_actions as (
    select
        action_text,
        'P3' as pattern,
        target_system,
        operation,
        'issue' as subject_type,
        subject_id,
        step,
        partner_id,
        asset_id,
        version_no,
        payload,
        reason,
        rule,
        evidence,
        due_at,
        is_urgent
    from wanted
)

select * from issue_actions
