-- One row per record of a campaign that ever arrived from Trading Grid, typed; a rejected one says why.
-- Grain: turn_no, page_no, row_no
-- Refresh: append
with landed as (select * from landing.campaigns),

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
        name,
        brand,
        as_local_time(launch_local) as launch_local,
        launch_policy,
        launch_timezone,
        status,
        as_integer(gate_percent) as gate_percent,
        as_integer(required_rung) as required_rung,
        owner,
        as_instant(updated_at) as updated_at,
        case
            when rejected_because is not null then rejected_because
            when coalesce(campaign_id, '') = '' then 'campaign_id is missing'
            when launch_local is not null and as_local_time(launch_local) is null then 'launch_local is not a local time without offset'
            when gate_percent is not null and as_integer(gate_percent) is null then 'gate_percent is not a whole number'
            when required_rung is not null and as_integer(required_rung) is null then 'required_rung is not a whole number'
            when updated_at is not null and as_instant(updated_at) is null then 'updated_at is not an instant'
        end as rejected_because
    from landed
)

select * from typed
