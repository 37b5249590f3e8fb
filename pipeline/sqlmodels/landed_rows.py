"""Landing files as rows: the SELECT that reads chunks, whatever shape they have.

Belongs here: one file per pull, files merged from many pulls, mappings. Does not belong here: which chunks there are
(``pipeline.ingest.landed``), a field's expression (``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.imported import NO_SHAPES, parquet_pages, parquet_selects
from pipeline.sqlmodels.mapped import rejection, selected_fields
from pipeline.sqlmodels.mapped import text as text_literal
from pipeline.streams import STREAMS, Stream

MAX_ID_BYTES: Final = 2048
# The longest line holds a record of the largest size in base64; DuckDB takes twice as much for each of its threads.
_LARGEST_LINE_BYTES: Final = 16 * 2**20
_RECORD_COLUMNS: Final = "p: 'integer', i: 'bigint', h: 'varchar', q: 'varchar', b: 'varchar'"
_PAGE_COLUMNS: Final = (
    "p: 'integer', records: 'bigint', rejected: 'bigint', body_sha256: 'varchar', status: 'integer',"
    " received_at: 'varchar', cursor_in: 'varchar', cursor_out: 'varchar', origin: 'varchar',"
    " shapes: 'struct(field varchar, kind varchar)[]'"
)
_EXACT: Final = f"format = 'newline_delimited', compression = 'zstd', maximum_object_size = {_LARGEST_LINE_BYTES}"


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of some files: a relation, and what in it says the turn and when that became known."""

    relation: str
    turn: str
    known_at: str


def landing_select(name: str, landing: Path, chunks: Sequence[LandedChunk], *, files: str | None = None) -> str:
    """Return the SELECT of the records in these chunks of a stream, every field as text.

    ``files``: an expression of the list of the files that are read, where it is not those of the chunks.
    """
    stream = STREAMS[name]
    fields = ", ".join(f"null::varchar as {name}" for name in stream.field_names)
    parts = [
        (
            "select null::integer as turn_no, null::timestamptz as known_at, null::varchar as source_system,"
            " null::integer as page_no, null::bigint as row_no, null::varchar as record_sha256,"
            f" null::varchar as rejected_because, null::varchar as raw_base64, {fields} limit 0"
        )
    ]
    parts += parquet_selects(stream, landing, [chunk for chunk in chunks if chunk.chunk.is_parquet])
    groups: dict[tuple[str, int | None], list[LandedChunk]] = {}
    for chunk in chunks:
        if chunk.chunk.is_parquet:
            continue
        spelled = json.dumps(
            [chunk.mapping, [asdict(part) for part in chunk.parts], chunk.known_fields], sort_keys=True
        )
        # Merged files are read once for all their turns.
        groups.setdefault((spelled, None if chunk.is_merged else chunk.turn), []).append(chunk)
    parts += [_group_select(stream, landing, own, files) for own in groups.values()]
    read = " union all ".join(f"({part})" for part in parts)
    return f"select * replace (coalesce(rejected_because, {_too_long(stream)}) as rejected_because) from ({read})"


def _too_long(stream: Stream) -> str:
    """Return why an id is none, null where all are: ids go into the ledger's entries, whose size is bounded."""
    names = [name for name in stream.field_names if name in stream.key or name.endswith("_id")]
    whens = [f"when strlen({name}) > {MAX_ID_BYTES} then '{name} has more than {MAX_ID_BYTES} bytes'" for name in names]
    return f"case {' '.join(whens)} end"


def pages_select(landing: Path, chunks: Sequence[LandedChunk]) -> str:
    """Return the SELECT of the pages that these chunks came in."""
    parts = [
        (
            "select null::varchar as stream, null::varchar as system, null::integer as turn_no,"
            " null::integer as page_no, null::bigint as records, null::bigint as rejected,"
            " null::varchar as body_sha256, null::integer as status, null::varchar as received_at,"
            " null::varchar as cursor_in, null::varchar as cursor_out, null::varchar as origin,"
            f" {NO_SHAPES} as shapes limit 0"
        )
    ]
    if parquet := [chunk for chunk in chunks if chunk.chunk.is_parquet]:
        parts.append(parquet_pages(parquet))
    groups: dict[tuple[str, str, int | None], list[LandedChunk]] = {}
    for chunk in chunks:
        if chunk.chunk.is_parquet:
            continue
        turn = None if chunk.is_merged else chunk.turn
        groups.setdefault((chunk.stream, chunk.system, turn), []).append(chunk)
    for (stream, system, _), own in groups.items():
        lines = _lines(_listed(landing, [chunk.pages_file for chunk in own]), own, _PAGE_COLUMNS)
        parts.append(
            f"select {text_literal(stream)}, {text_literal(system)}, {lines.turn}, p, records, rejected, body_sha256,"
            f" status, received_at, cursor_in, cursor_out, origin, shapes from {lines.relation}"
        )
    return " union all ".join(f"({part})" for part in parts)


def _group_select(stream: Stream, landing: Path, chunks: Sequence[LandedChunk], files: str | None) -> str:
    first = chunks[0]
    reason = "q"
    if first.mapping or first.parts or first.known_fields is not None:
        record_type = "json"
        fields = selected_fields(stream, first.mapping, first.parts)
        reason = f"coalesce(q, {rejection(first.mapping, first.parts, first.known_fields)})"
    else:
        record_type = f"struct({', '.join(f'{name} varchar' for name in stream.field_names)})"
        fields = ", ".join(f"r.{name} as {name}" for name in stream.field_names)
    columns = f"{_RECORD_COLUMNS}, r: '{record_type}'"
    lines = _lines(files or _listed(landing, [chunk.file for chunk in chunks]), chunks, columns)
    return (
        f"select {lines.turn} as turn_no, {lines.known_at}::timestamptz as known_at,"
        f" {text_literal(first.system)} as source_system, p as page_no, i as row_no, h as record_sha256,"
        f" {reason} as rejected_because, b as raw_base64, {fields} from {lines.relation}"
    )


def _listed(landing: Path, names: Sequence[str]) -> str:
    return f"[{', '.join(text_literal(landing / name) for name in dict.fromkeys(names))}]"


def _lines(files: str, chunks: Sequence[LandedChunk], columns: str) -> _Lines:
    """Return the lines of the files of chunks that are all of one turn, or all merged."""
    first = chunks[0]
    if not first.is_merged:
        relation = f"read_json({files}, columns = {{{columns}}}, {_EXACT})"
        return _Lines(relation, str(first.turn), text_literal(first.known_at))
    turns = ", ".join(
        f"({turn}, {text_literal(known_at)})"
        for turn, known_at in {chunk.turn: chunk.known_at for chunk in chunks}.items()
    )
    relation = (
        f"read_json({files}, columns = {{t: 'integer', {columns}}}, {_EXACT}) as landed"
        f" inner join (values {turns}) as own (own_turn, own_known_at) on own.own_turn = landed.t"
    )
    return _Lines(relation, "t", "own.own_known_at")
