-- One row per request that a person denied although its partner may have the asset and a version of it lives for it now.
-- Grain: finding_id
-- Refresh: full
-- docs/patterns/requests.md: such a request is left alone, and shown. Only requests that name their asset by its id.
with requests as (select * from core.requests where status = 'denied' and asset_id is not null),

entries as (select * from ledger.entries where kind = 'action_decided'),

partners as (select * from core.partners),

entitlements as (select partner_id, asset_id from freshness.entitlements where entitled),

lives as (
    select *
    from freshness.version_lives
    where effective_at <= $as_of and (ended_at is null or ended_at > $as_of)
),

versions as (select * from core.asset_versions),

own_denials as (
    select distinct json_extract_string(data, '$.subject_id') as request_id
    from entries
    where json_extract_string(data, '$.pattern') = 'P1' and json_extract_string(data, '$.step') = 'denied'
),

conditions as (
    select
        'request_denied_although_possible:request:' || requests.request_id as finding_id,
        'request_denied_although_possible' as rule,
        'warning' as severity,
        'request' as subject_type,
        requests.request_id as subject_id,
        requests.partner_id,
        requests.asset_id,
        cast(lives.version_no as bigint) as version_no,
        'a person denied the request, but the partner may have the asset, and version ' || lives.version_no
        || ' of it is in force for it' as detail
    from requests
    anti join own_denials on own_denials.request_id = requests.request_id
    inner join partners on partners.partner_id = requests.partner_id
    semi join entitlements
        on entitlements.partner_id = requests.partner_id
        and entitlements.asset_id = requests.asset_id
    inner join lives
        on lives.region = partners.region
        and lives.zone = partners.zone
        and lives.asset_id = requests.asset_id
    inner join versions
        on versions.asset_id = lives.asset_id
        and versions.version_no = lives.version_no
    where
        (partners.gone_from is null or partners.gone_from > $as_of)
        and not coalesce(is_barred_region(versions.restricted_regions, requests.territory), false)
)

select * from conditions
