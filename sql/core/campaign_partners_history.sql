-- One row per edition of a campaign's partner: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: campaign_id, partner_id, edition
-- Refresh: append by campaign_id, partner_id
-- Spine: staging.campaign_partners
with arrivals as (select * from staging.campaign_partners where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by campaign_id, partner_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            campaign_id, partner_id, required
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        campaign_id,
        partner_id,
        required,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by campaign_id, partner_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
