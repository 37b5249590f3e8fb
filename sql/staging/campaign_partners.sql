-- One row per record of a campaign's partner that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.campaign_partners),

typed as (
    select
        turn_no,
        page_no,
        row_no,
        known_at,
        source_system,
        record_sha256,
        raw_base64,
        campaign_id,
        partner_id,
        as_boolean(required) as required,
        case
            when rejected_because is not null then rejected_because
            when coalesce(campaign_id, '') = '' then 'campaign_id is missing'
            when coalesce(partner_id, '') = '' then 'partner_id is missing'
            when required is not null and as_boolean(required) is null then 'required is neither true nor false'
        end as rejected_because
    from landed
)

select * from typed
