"""Parquet rows as canonical JSON records.

Belongs here: how a column's values become JSON values by the catalog's types. Does not belong here: CSV
(``pipeline.ingest.tables``), judging values.

Arrow takes 50 MB: whoever does not read Parquet imports this only where it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ingest.pages import Item, Unreadable
from pipeline.ingest.tables import TableError, texts_of, types_of
from pipeline.streams import FieldType, Stream

_ROWS_AT_ONCE: Final = 10_000
_ROWS_SCANNED: Final = 65_536
_NAMES_OF_DUCKDB: Final = frozenset({"filename", "file_index", "file_row_number"})
_encoder: Final = msgspec.json.Encoder()


def parquet_items(path: Path, stream: Stream) -> Iterator[Item]:
    """Yield the rows of a Parquet file as records.

    Timestamps become RFC 3339 in UTC; one without a zone is UTC in an instant's column, and stays
    without an offset elsewhere.

    Raises:
        TableError: not Parquet, or torn.

    """
    try:
        with pq.ParquetFile(path) as table:
            columns = table.schema_arrow.names
            if len(set(columns)) != len(columns):
                message = "a column's name occurs twice in it"
                raise TableError(message)
            yield from _records(table.iter_batches(_ROWS_AT_ONCE), stream)
    except (pa.ArrowException, OSError) as error:
        message = f"it is not Parquet, or torn ({type(error).__name__})"
        raise TableError(message) from error


@dataclass(frozen=True, slots=True)
class Shape:
    """What a Parquet file is, without its values: ``columns`` are those that are fields, with their Arrow types."""

    rows: int
    columns: Mapping[str, str]


def parquet_shape(path: Path, stream: Stream) -> Shape:
    """Read a Parquet file through, so that whoever reads it later finds it readable, and return its shape.

    Raises:
        TableError: not Parquet, or torn; a text in it is not UTF-8; two columns have one name.

    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            names = table.schema_arrow.names
            _refuse_names(names)
            fields = [name for name in stream.field_names if name in names]
            for batch in table.iter_batches(_ROWS_SCANNED, columns=fields):
                batch.validate(full=True)
            types = {name: str(table.schema_arrow.field(name).type) for name in fields}
            return Shape(table.metadata.num_rows, types)
    except (pa.ArrowException, OSError) as error:
        message = f"it is not Parquet, or torn, or a text in it is not UTF-8 ({type(error).__name__})"
        raise TableError(message) from error


def parquet_row(path: Path, stream: Stream, row: int) -> Item:
    """Return one row of a Parquet file, by its number from 0, as a record.

    Raises:
        TableError: not Parquet, torn, or shorter.

    """
    try:
        with pq.ParquetFile(path) as table:
            for group in range(table.num_row_groups):
                size = table.metadata.row_group(group).num_rows
                if row < size:
                    return next(_records(table.read_row_group(group).slice(row, 1).to_batches(), stream))
                row -= size
    except (pa.ArrowException, OSError) as error:
        message = f"it is not Parquet, or torn ({type(error).__name__})"
        raise TableError(message) from error
    message = "it has no such row"
    raise TableError(message)


def _records(batches: Iterable[pa.RecordBatch], stream: Stream) -> Iterator[Item]:
    for batch in batches:
        names = batch.schema.names
        types = types_of(stream, names)
        values = [_values(column, kind) for column, kind in zip(batch.columns, types, strict=True)]
        for row in zip(*values, strict=True):
            yield _record(dict(zip(names, row, strict=True)))


def _refuse_names(names: Sequence[str]) -> None:
    lowered = [name.lower() for name in names]
    if len(set(lowered)) != len(lowered):
        message = "a column's name occurs twice in it"
        raise TableError(message)
    if taken := [name for name in lowered if name in _NAMES_OF_DUCKDB]:
        message = f"a column has the name {taken[0]}, which DuckDB gives to something else"
        raise TableError(message)


def _record(record: dict[str, Any]) -> Item:
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError:
        readable = {name: value for name, value in record.items() if not isinstance(value, str)}
        return Unreadable(_encoder.encode(readable), "a text of the row is not UTF-8; the other values are kept here")


def _values(column: Any, kind: FieldType) -> list[Any]:
    """Return one column of a batch as JSON values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        return _stamps(column, kind)
    if pa.types.is_floating(column.type):
        return [_number(value, kind) for value in column.to_pylist()]
    if pa.types.is_date(column.type) or pa.types.is_time(column.type):
        return list(column.cast(pa.string()).to_pylist())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type):
        texts = _decoded(column)
        return [texts_of(text) if text else text for text in texts] if kind is FieldType.TEXTS else texts
    return list(column.to_pylist())


def _stamps(column: Any, kind: FieldType) -> list[str | None]:
    has_zone = column.type.tz is not None
    end = "Z" if has_zone or kind is FieldType.INSTANT else ""
    naive = column.view(pa.timestamp(column.type.unit)).cast(pa.timestamp("us"), safe=False)
    return [None if text is None else text.replace(" ", "T") + end for text in naive.cast(pa.string()).to_pylist()]


def _number(value: float | None, kind: FieldType) -> object:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return str(value)
    return int(value) if kind is FieldType.INTEGER and value.is_integer() else value


def _decoded(column: Any) -> list[str | None]:
    try:
        return list(column.cast(pa.string()).to_pylist())
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raw = column.cast(pa.binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogateescape") for value in raw]
