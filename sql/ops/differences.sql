-- One row per record that a second pass over its source found different from what we have, and what became of that.
-- Grain: difference_id
-- Refresh: full
-- kind: missing_here (we never had it), other_content (never this content of it), not_at_source (the source does not give
-- it). state: open; landed, by the stream's next pull; settled, where a later pass over the same did not find it again;
-- reviewed, where a person wrote `vipgrid decide review <difference_id>`. Of a pass's differences the first ten thousand.
with entries as (select * from ledger.entries where kind = 'difference_found'),

pulls as (select source_id as stream, max(seq) as seq from ledger.entries where kind = 'stream_pulled' group by source_id),

reconciliations as (select * from ops.reconciliations),

reviews as (select distinct subject from core.decisions where kind = 'review'),

found as (
    select
        source_id as difference_id,
        arg_max(data, seq) as data,
        min(known_at) as first_found_at,
        max(known_at) as last_found_at,
        max(seq) as last_seq
    from entries
    group by source_id
),

spelled as (
    select
        difference_id,
        json_extract_string(data, '$.reconciliation_id') as reconciliation_id,
        json_extract_string(data, '$.stream') as stream,
        json_extract_string(data, '$.kind') as kind,
        json_extract_string(data, '$.record_key') as record_key,
        json_extract_string(data, '$.record_sha256') as record_sha256,
        first_found_at,
        last_found_at,
        last_seq
    from found
),

later as (
    select this.reconciliation_id, max(other.seq) as seq
    from reconciliations as this
    inner join reconciliations as other
        on other.stream = this.stream
        and other.seq > this.seq
        and other.method = 'read'
        and other.from_at is not distinct from this.from_at
        and other.to_at is not distinct from this.to_at
    group by this.reconciliation_id
),

differences as (
    select
        spelled.* exclude (last_seq),
        case
            when reviews.subject is not null then 'reviewed'
            when spelled.kind <> 'not_at_source' and pulls.seq > spelled.last_seq then 'landed'
            when later.seq > spelled.last_seq then 'settled'
            else 'open'
        end as state
    from spelled
    left join pulls on pulls.stream = spelled.stream
    left join later on later.reconciliation_id = spelled.reconciliation_id
    left join reviews on reviews.subject = spelled.difference_id
)

select * from differences
