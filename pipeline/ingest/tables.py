"""CSV and Parquet rows as canonical JSON records.

Belongs here: how a cell becomes a JSON value by the catalog's types. Does not belong here: judging
values (a cell that does not fit its type stays the text that it is, and ``sql/staging`` rejects it).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ingest.landing_lines import MAX_RECORD_BYTES
from pipeline.ingest.pages import Item, Unreadable
from pipeline.streams import FieldType, Stream

_INTEGER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?")
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_ROWS_AT_ONCE: Final = 10_000
_ROWS_SCANNED: Final = 65_536
_NAMES_OF_DUCKDB: Final = frozenset({"filename", "file_index", "file_row_number"})
_encoder: Final = msgspec.json.Encoder()


class TableError(ValueError):
    """The file is no table that can be read: the message says why."""


def csv_items(file: BinaryIO, stream: Stream) -> Iterator[Item]:
    """Yield the rows of a CSV file (RFC 4180, UTF-8, header) as records; an empty cell is null.

    Raises:
        TableError: a column's name occurs twice.

    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    text = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
    try:
        yield from _csv_items(_RememberedLines(text), stream)
    finally:
        text.detach()


def _csv_items(lines: _RememberedLines, stream: Stream) -> Iterator[Item]:
    rows = csv.reader(lines, strict=True)
    try:
        columns = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        message = f"its header is not CSV ({error})"
        raise TableError(message) from error
    if len(set(columns)) != len(columns):
        message = "a column's name occurs twice in its header"
        raise TableError(message)
    types = _types_of(stream, columns)
    lines.take()
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Unreadable(lines.take(), f"not a CSV row: {error}")
            continue
        raw = lines.take()
        if cells:
            yield _csv_record(columns, types, cells, raw)


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
        types = _types_of(stream, names)
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


class _RememberedLines:
    """The lines of a text file, kept until they are taken: a row's bytes as received."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._lines: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self._lines.append(line)
        return line

    def take(self) -> bytes:
        text = "".join(self._lines)
        self._lines.clear()
        return text.encode("utf-8", "surrogateescape")


def _types_of(stream: Stream, columns: list[str]) -> list[FieldType]:
    types = {field.name: field.type for field in stream.fields}
    return [types.get(name, FieldType.TEXT) for name in columns]


def _csv_record(columns: list[str], types: list[FieldType], cells: list[str], raw: bytes) -> Item:
    if len(cells) != len(columns):
        return Unreadable(raw, f"the row has {len(cells)} cells where the header has {len(columns)}")
    record = {name: _cell(text, kind) for name, text, kind in zip(columns, cells, types, strict=True)}
    try:
        return _encoder.encode(record)
    except UnicodeEncodeError:
        return Unreadable(raw, "the row is not UTF-8")


def _cell(text: str, kind: FieldType) -> object:
    if not text:
        return None
    if kind is FieldType.INTEGER and (match := _INTEGER.fullmatch(text)):
        return _integer(match.group(1))
    if kind is FieldType.BOOLEAN:
        return _BOOLEANS.get(text.lower(), text)
    return _texts(text) if kind is FieldType.TEXTS else text


def _integer(digits: str) -> object:
    """Return the number as JSON text, however long: the canonical text decides whether it is one."""
    return msgspec.Raw(b"0" if digits == "-0" else digits.encode())


def _texts(text: str) -> object:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text


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
        return [_texts(text) if text else text for text in texts] if kind is FieldType.TEXTS else texts
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
