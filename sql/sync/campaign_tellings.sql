-- One row per campaign's package and partner told of it by us before this turn: the last notice that was on its way.
-- Grain: partner_id, campaign_id, package_id
-- Refresh: full
-- docs/patterns/campaigns.md. digest is that of what was in the package then, round counts the tellings.
-- is_taken_back: we retracted it ourselves; what a person retracted stays told.
with opened as (
    select max(seq) as opened_seq
    from ledger.entries
    where kind = 'turn_opened' and known_at <= $known_at::timestamptz
),

entries as (
    select journal.*
    from ledger.entries as journal
    cross join opened
    where opened.opened_seq is null or journal.seq < opened.opened_seq
),

decided as (
    select * from entries
    where kind = 'action_decided'
        and json_extract_string(data, '$.kind') = 'launch_package'
        and json_extract_string(data, '$.redirect_to') is null
),

leases as (select * from entries where kind = 'action_leased'),

packages as (select * from core.packages where campaign_id is not null),

notices as (select * from core.notices where kind = 'launch_package' and external_key is not null),

retractions as (
    select * from sync.earlier_actions where operation = 'retract_notice' and may_be_there
),

tried as (
    select
        decided.source_id as action_key,
        json_extract_string(decided.data, '$.partner_id') as partner_id,
        json_extract_string(decided.data, '$.step') as step,
        max(decided.known_at) as told_at
    from decided
    semi join leases on leases.source_id = decided.source_id
    group by all
),

parsed as (
    select
        tried.action_key,
        tried.partner_id,
        packages.campaign_id,
        packages.package_id,
        split_part(tried.step, ':', -2) as digest,
        cast(split_part(tried.step, ':', -1) as integer) as round,
        tried.told_at
    from tried
    inner join packages
        on starts_with(tried.step, 'package:' || packages.campaign_id || ':' || packages.package_id || ':')
    qualify row_number() over (partition by tried.action_key order by strlen(packages.package_id) desc) = 1
),

own_notices as (
    select external_key, min(notice_id) as notice_id, bool_and(retracted_at is not null) as is_retracted
    from notices
    group by external_key
),

tellings as (
    select
        parsed.partner_id,
        parsed.campaign_id,
        parsed.package_id,
        parsed.action_key,
        parsed.digest,
        parsed.round,
        parsed.told_at,
        own_notices.notice_id,
        coalesce(own_notices.is_retracted, false) and retractions.action_key is not null as is_taken_back
    from parsed
    left join own_notices on own_notices.external_key = parsed.action_key
    left join retractions on json_extract_string(retractions.payload, '$.notice_id') = own_notices.notice_id
    qualify
        row_number() over (
            partition by parsed.partner_id, parsed.campaign_id, parsed.package_id order by parsed.round desc
        ) = 1
)

select * from tellings
