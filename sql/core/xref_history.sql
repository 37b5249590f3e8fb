-- One row per edition of a cross-reference of ids: each content that ever arrived under its key, numbered in order of arrival.
-- Grain: entity, vip_id, trading_grid_id, edition
-- Refresh: append by entity, vip_id, trading_grid_id
-- Spine: staging.xref
with arrivals as (select * from staging.xref where rejected_because is null),

first_arrivals as (
    select
        *,
        row_number() over (
            partition by entity, vip_id, trading_grid_id, record_sha256 order by turn_no, page_no, row_no
        ) as arrival,
        row_number() over same_fields as arrival_of_fields,
        count(*) filter (where record_sha256 is null) over same_fields as without_text
    from arrivals
    window same_fields as (
        partition by
            entity, vip_id, trading_grid_id, valid_from, valid_to, match_rule, asserted_by
        order by turn_no, page_no, row_no
    )
),

editions as (
    select
        entity,
        vip_id,
        trading_grid_id,
        valid_from,
        valid_to,
        match_rule,
        asserted_by,
        known_at,
        source_system,
        record_sha256,
        turn_no,
        page_no,
        row_no,
        known_at as ordered_at,
        row_number() over (partition by entity, vip_id, trading_grid_id order by turn_no, page_no, row_no) as edition
    from first_arrivals
    where is_new_content(record_sha256, arrival, arrival_of_fields, without_text)
)

select * from editions
