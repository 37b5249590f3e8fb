-- One row per thing in which a stream's records look otherwise than before, by the last turn that brought any.
-- Grain: finding_id
-- Refresh: full
-- new_field: since a later turn than the stream's first, and nothing reads it. missing_field: it is read, every record
-- before had it, none of the last turn's has. retyped_field: a kind of value that its first turn had not. new_value: an
-- enumerated field has a value that the rules do not know. former_mapping: a field of earlier records is made otherwise than
-- the profile makes it now. many_gone: a whole reading lacks so much that nobody believes it, and none since was believed.
-- A person who has looked at one writes `vipgrid decide review <finding_id>`.
with shapes as (select * from ops.shapes),

fields as (select * from ops.fields),

read_fields as (select * from ops.read_fields),

former_mappings as (select * from ops.former_mappings),

strange_values as (select * from ops.strange_values),

pages as (select * from ops.pages),

turns as (select * from ops.turns),

entries as (select * from ledger.entries where kind = 'stream_pulled'),

reviews as (select distinct subject from core.decisions where kind = 'review'),

brought as (
    select stream, max(turn_no) as last_turn_no from pages where fetched > 0 group by stream
),

last_shapes as (
    select
        shapes.stream,
        shapes.turn_no,
        unnest(shapes.fields) as pair
    from shapes
    inner join brought on brought.stream = shapes.stream and brought.last_turn_no = shapes.turn_no
),

last_fields as (
    select
        stream,
        turn_no,
        regexp_extract(pair, '^(.*)[|]([a-z]+)$', 1) as field,
        regexp_extract(pair, '^(.*)[|]([a-z]+)$', 2) as kind
    from last_shapes
),

first_turns as (select stream, min(first_turn_no) as turn_no from fields group by stream),

since as (
    select
        stream,
        field,
        min(first_turn_no) filter (where kind <> 'absent') as turn_no,
        min(first_turn_no) filter (where kind not in ('absent', 'null')) as typed_turn_no,
        bool_or(kind = 'absent') as is_optional
    from fields
    group by stream, field
),

is_read as (
    select distinct since.stream, since.field
    from since
    inner join read_fields
        on read_fields.stream = since.stream
        and (
            read_fields.path = since.field
            or starts_with(since.field, read_fields.path || '.')
            or starts_with(read_fields.path, since.field || '.')
        )
),

new_fields as (
    select
        since.stream,
        'new_field' as rule,
        'warning' as severity,
        since.field,
        null::varchar as value,
        since.turn_no as since_turn_no,
        'records of ' || since.stream || ' have a field that nothing reads: ' || since.field as detail
    from since
    inner join first_turns on first_turns.stream = since.stream and since.turn_no > first_turns.turn_no
    semi join last_fields
        on last_fields.stream = since.stream and last_fields.field = since.field and last_fields.kind <> 'absent'
    anti join is_read on is_read.stream = since.stream and is_read.field = since.field
),

missing_fields as (
    select
        since.stream,
        'missing_field' as rule,
        'warning' as severity,
        since.field,
        null::varchar as value,
        brought.last_turn_no as since_turn_no,
        'no record of ' || since.stream || ' in the last turn has ' || since.field || ', which every one had before' as detail
    from since
    inner join brought on brought.stream = since.stream
    inner join first_turns on first_turns.stream = since.stream and first_turns.turn_no = since.turn_no
    semi join is_read on is_read.stream = since.stream and is_read.field = since.field
    semi join last_fields on last_fields.stream = since.stream
    anti join last_fields as there
        on there.stream = since.stream and there.field = since.field and there.kind <> 'absent'
    where not since.is_optional
),

retyped_fields as (
    select
        last_fields.stream,
        'retyped_field' as rule,
        'warning' as severity,
        last_fields.field,
        last_fields.kind as value,
        fields.first_turn_no as since_turn_no,
        last_fields.field || ' of ' || last_fields.stream || ' is of another kind than before: ' || last_fields.kind as detail
    from last_fields
    inner join fields
        on fields.stream = last_fields.stream
        and fields.field = last_fields.field
        and fields.kind = last_fields.kind
    inner join since
        on since.stream = last_fields.stream
        and since.field = last_fields.field
        and fields.first_turn_no > since.typed_turn_no
    where last_fields.kind not in ('absent', 'null')
),

new_values as (
    select
        strange_values.stream,
        'new_value' as rule,
        'warning' as severity,
        strange_values.field,
        strange_values.value,
        min(strange_values.turn_no) as since_turn_no,
        strange_values.field || ' of ' || strange_values.stream || ' has a value that the rules do not know: '
        || strange_values.value as detail
    from strange_values
    inner join brought on brought.stream = strange_values.stream
    group by strange_values.stream, strange_values.field, strange_values.value
    having max(strange_values.turn_no) = max(brought.last_turn_no)
),

mapped_otherwise as (
    select
        stream,
        'former_mapping' as rule,
        'warning' as severity,
        field,
        null::varchar as value,
        as_integer(turn_no) as since_turn_no,
        field || ' of ' || stream || ' is made otherwise now than of the records that came up to turn ' || turn_no
        as detail
    from former_mappings
),

pulls as (
    select
        source_id as stream,
        seq,
        as_integer(json_extract_string(data, '$.turn')) as turn_no,
        json_extract_string(data, '$.notes[*]') as notes,
        json_extract_string(data, '$.seen_files.file') as believed
    from entries
),

doubted as (
    select stream, max(seq) as seq from pulls where len(notes) > 0 group by stream
),

last_believed as (
    select stream, arg_max(believed, seq) as believed from pulls group by stream
),

many_gone as (
    select
        pulls.stream,
        'many_gone' as rule,
        'warning' as severity,
        'records' as field,
        pulls.turn_no::varchar as value,
        pulls.turn_no as since_turn_no,
        'a reading of all ' || pulls.stream || ' is not believed, and nothing was ended by it: '
        || array_to_string(pulls.notes, '; ') as detail
    from pulls
    inner join doubted on doubted.stream = pulls.stream and doubted.seq = pulls.seq
    inner join last_believed
        on last_believed.stream = pulls.stream
        and last_believed.believed is not distinct from pulls.believed
),

every_kind as (
    select * from new_fields
    union all
    select * from missing_fields
    union all
    select * from retyped_fields
    union all
    select * from new_values
    union all
    select * from mapped_otherwise
    union all
    select * from many_gone
),

named as (
    select
        rule || ':field:' || stream || '.' || field || coalesce('=' || value, '') as finding_id,
        stream || '.' || field || coalesce('=' || value, '') as subject_id,
        *
    from every_kind
),

drift as (
    select
        named.*,
        turns.known_at as since_at,
        reviews.subject is not null as is_reviewed
    from named
    left join turns on turns.turn_no = named.since_turn_no
    left join reviews on reviews.subject = named.finding_id
)

select * from drift
