"""Landing files as rows: the SELECT that reads chunks, whatever shape they have.

Belongs here: one file per pull, files merged from many pulls, mappings. Does not belong here: which chunks there are
(``pipeline.ingest.landed``), a field's expression (``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from pipeline.ingest.feeds import Part
from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.imported import NO_SHAPES, parquet_pages, parquet_selects
from pipeline.sqlmodels.mapped import Otherwise, rejection, selected_fields
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
_LAST_PAGE: Final = 2**31 - 1
_EXACT: Final = f"format = 'newline_delimited', compression = 'zstd', maximum_object_size = {_LARGEST_LINE_BYTES}"


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of some files: a relation; in it the turn, when that became known, and what is read otherwise."""

    relation: str
    turn: str
    known_at: str
    parts: Sequence[Otherwise]


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
        # Merged files are read once for all their turns.
        groups.setdefault((chunk.reading, None if chunk.is_merged else chunk.turn), []).append(chunk)
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
    is_mapped = bool(first.mapping or first.known_fields is not None or any(chunk.parts for chunk in chunks))
    by_name = f"struct({', '.join(f'{name} varchar' for name in stream.field_names)})"
    columns = f"{_RECORD_COLUMNS}, r: '{'json' if is_mapped else by_name}'"
    lines = _lines(files or _listed(landing, [chunk.file for chunk in chunks]), chunks, columns)
    if is_mapped:
        fields = selected_fields(stream, first.mapping, lines.parts)
        reason = f"coalesce(q, {rejection(first.mapping, lines.parts, first.known_fields)})"
    else:
        fields, reason = ", ".join(f"r.{name} as {name}" for name in stream.field_names), "q"
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
    if first.is_merged:
        return _merged_lines(files, chunks, columns)
    ranges = _ranges(part for chunk in chunks for part in chunk.parts)
    parts = [Otherwise(f"p between {page} and {last}", mapping) for page, last, mapping in ranges]
    relation = f"read_json({files}, columns = {{{columns}}}, {_EXACT})"
    return _Lines(relation, str(first.turn), text_literal(first.known_at), parts)


def _merged_lines(files: str, chunks: Sequence[LandedChunk], columns: str) -> _Lines:
    """Return the lines of merged files: each finds its turn, and whether it is read otherwise, in a list of both."""
    by_turn: dict[int, list[LandedChunk]] = {}
    for chunk in chunks:
        by_turn.setdefault(chunk.turn, []).append(chunk)
    mappings: list[Mapping[str, Any]] = []
    rows = []
    for turn, own in by_turn.items():
        of_turn = f"{turn}, {text_literal(own[0].known_at)}"
        following = 0
        for page, last, mapping in _ranges(part for chunk in own for part in chunk.parts):
            if mapping not in mappings:
                mappings.append(mapping)
            rows.append(f"({of_turn}, {following}, {page - 1}, null)")
            rows.append(f"({of_turn}, {page}, {last}, {mappings.index(mapping)})")
            following = last + 1
        rows.append(f"({of_turn}, {following}, {_LAST_PAGE}, null)")
    within = " and landed.p between own.first_page and own.last_page" if mappings else ""
    relation = (
        f"read_json({files}, columns = {{t: 'integer', {columns}}}, {_EXACT}) as landed"
        f" inner join (values {', '.join(rows)}) as own (own_turn, own_known_at, first_page, last_page, own_part)"
        f" on own.own_turn = landed.t{within}"
    )
    parts = [Otherwise(f"own.own_part is not distinct from {place}", one) for place, one in enumerate(mappings)]
    return _Lines(relation, "t", "own.own_known_at", parts)


def _ranges(parts: Iterable[Part]) -> list[tuple[int, int, Mapping[str, Any]]]:
    """Return parts by their first and last page, in their order, each once."""
    own = {part.first_page: (int(part.first_page), int(part.last_page), part.mapping) for part in parts}
    return sorted(own.values(), key=itemgetter(0))
