"""CSV rows as canonical JSON records.

Belongs here: how a cell becomes a JSON value by the catalog's types. Does not belong here: judging
values (a cell that does not fit its type stays the text that it is, and ``sql/staging`` rejects it), Parquet
(``pipeline.ingest.parquet_tables``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from pipeline.ingest.landing_lines import MAX_RECORD_BYTES
from pipeline.ingest.pages import Item, Unreadable
from pipeline.streams import FieldType, Stream

_INTEGER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?")
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
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
    types = types_of(stream, columns)
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


def types_of(stream: Stream, columns: list[str]) -> list[FieldType]:
    """Return the types that the catalog has of these columns; of others, text."""
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
    return texts_of(text) if kind is FieldType.TEXTS else text


def _integer(digits: str) -> object:
    """Return the number as JSON text, however long: the canonical text decides whether it is one."""
    return msgspec.Raw(b"0" if digits == "-0" else digits.encode())


def texts_of(text: str) -> object:
    """Return the list that a JSON text is, or the text where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text
