"""Imported Parquet files as relations: their rows as text like every landed record, each file as one page.

Belongs here: how DuckDB reads them, and how a typed cell becomes the text that staging types again. Does not belong
here: lines of landing (``pipeline.sqlmodels.landed_rows``), which files there are (``pipeline.ingest.importing``).

Such a row has no text of its own, so ``record_sha256`` is null: it is known by its fields (docs/decisions/0014).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipeline.ingest.landed import LandedChunk
from pipeline.ingest.originals import gone_sentence, parquet_path
from pipeline.streams import Field, FieldType, Stream

NO_SHAPES: Final = "null::struct(field varchar, kind varchar)[]"


def parquet_selects(stream: Stream, landing: Path, chunks: Sequence[LandedChunk]) -> list[str]:
    """Return the SELECTs of the rows of these files; one that is not there makes whoever reads it fail."""
    there: dict[tuple[int, str], list[LandedChunk]] = {}
    selects = []
    for chunk in chunks:
        if parquet_path(landing, chunk.chunk).exists():
            there.setdefault((chunk.turn, chunk.chunk.columns), []).append(chunk)
        else:
            selects.append(_missing(stream, chunk))
    return selects + [_group(stream, landing, own) for own in there.values()]


def parquet_pages(chunks: Sequence[LandedChunk]) -> str:
    """Return the SELECT of the pages that Parquet files are."""
    rows = ", ".join(
        f"({_text(one.stream)}, {_text(one.system)}, {one.turn}, {one.chunk.page}, {one.chunk.records}::bigint,"
        f" {_text(one.chunk.sha256)}, {_text(one.known_at)}, {_text(one.chunk.file)})"
        for one in chunks
    )
    return (
        "select stream, system, turn_no, page_no, records, 0::bigint, sha256, null::integer, received_at,"
        f" null::varchar, null::varchar, origin, {NO_SHAPES} from (values {rows})"
        " t(stream, system, turn_no, page_no, records, sha256, received_at, origin)"
    )


def _group(stream: Stream, landing: Path, chunks: Sequence[LandedChunk]) -> str:
    first = chunks[0]
    types: dict[str, str] = json.loads(first.chunk.columns)
    fields = ", ".join(f"{_field(field, types.get(field.name))} as {field.name}" for field in stream.fields)
    files = ", ".join(_text(parquet_path(landing, chunk.chunk)) for chunk in chunks)
    pages = ", ".join(str(chunk.chunk.page) for chunk in chunks)
    return (
        f"select {first.turn} as turn_no, {_text(first.known_at)}::timestamptz as known_at,"
        f" {_text(first.system)} as source_system, ([{pages}]::integer[])[file_index::integer + 1] as page_no,"
        " file_row_number as row_no, null::varchar as record_sha256, null::varchar as rejected_because,"
        f" null::varchar as raw_base64, {fields} from read_parquet([{files}])"
    )


def _missing(stream: Stream, chunk: LandedChunk) -> str:
    fields = ", ".join("null::varchar" for _ in stream.fields)
    sentence = _text(gone_sentence(chunk.chunk, "is gone"))
    return (
        "select null::integer, null::timestamptz, null::varchar, null::integer, null::bigint, null::varchar,"
        f" null::varchar, null::varchar, {fields} where error({sentence}) is null"
    )


def _field(field: Field, kind: str | None) -> str:
    """Return a cell as text; ``kind`` is its column's Arrow type (None = the file has no such column)."""
    name = f'"{field.name}"'
    if kind is None:
        return "null::varchar"
    if kind.startswith("timestamp"):
        has_zone = "tz=" in kind
        stamp = f"{name}::timestamptz" if has_zone else f"{name}::timestamp"
        if field.type is not FieldType.INSTANT:
            return f"{stamp}::varchar"
        # Without a zone it is UTC. With a whole offset it is looked at least when it is typed again.
        instant = stamp if has_zone else f"timezone('UTC', {stamp})"
        return f"({instant}::varchar || ':00')"
    if kind in {"halffloat", "float", "double"}:
        return f"case when not isnan({name}) then {name}::varchar end"
    if kind.endswith("binary") or kind.startswith(("binary", "fixed_size_binary")):
        return f"coalesce(try(decode({name})), {name}::varchar)"
    is_nested = kind.startswith(("list", "large_list", "fixed_size_list", "struct", "map"))
    return f"to_json({name})::varchar" if is_nested else f"{name}::varchar"


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
