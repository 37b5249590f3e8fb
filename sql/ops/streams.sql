-- One row per stream that a connection serves: how far we have it, and what the last pull brought.
-- Grain: stream
-- Refresh: full
-- Published with: lateness
-- watermark is the instant up to which we have the stream whole (docs/domain.md, 2); null where it was never read to its end.
with connections as (select * from ops.connections),

entries as (select * from ledger.entries where kind in ('stream_pulled', 'stream_failed')),

pulls as (
    select
        source_id as stream,
        seq,
        kind,
        known_at,
        as_integer(json_extract_string(data, '$.turn')) as turn_no,
        as_instant(json_extract_string(data, '$.watermark')) as watermark,
        json_extract_string(data, '$.error') as error
    from entries
),

folded as (
    select
        stream,
        max(turn_no) filter (where kind = 'stream_pulled') as last_pulled_turn_no,
        max(known_at) filter (where kind = 'stream_pulled') as last_pulled_at,
        max(watermark) as watermark,
        arg_max(error, seq) filter (where kind = 'stream_failed') as last_error,
        max(seq) filter (where kind = 'stream_failed')
        > coalesce(max(seq) filter (where kind = 'stream_pulled'), -1) as is_failing
    from pulls
    group by stream
),

streams as (
    select
        connections.stream,
        connections.system,
        connections.connection,
        connections.safety_lag_seconds,
        connections.tolerance_seconds,
        folded.last_pulled_turn_no,
        folded.last_pulled_at,
        folded.watermark,
        coalesce(folded.is_failing, false) as is_failing,
        case when folded.is_failing then folded.last_error end as last_error
    from connections
    left join folded on folded.stream = connections.stream
)

select * from streams
