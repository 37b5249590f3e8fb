"""A report's tables as files: Parquet, and CSV in two modes.

Belongs here: the canonical text of values, the two modes, and the files' form. Does not belong here: which
tables a report has (``pipeline.reports.issue``).

``exact``: what is there is quoted, what is absent is not, so ``""`` and null differ, and every value
comes back. ``spreadsheet``: besides, a text that begins with one of ``= + - @ TAB CR LF NUL '`` is written behind
a ``'``, so that no program takes it for a formula; to read it back, take one leading ``'`` away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pipeline.publish import file_sha256
from pipeline.sqlmodels.relations import Connection

INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
ESCAPED_STARTS: Final = ("=", "+", "-", "@", "TAB", "CR", "LF", "NUL", "'")
# chr(9) TAB, chr(10) LF, chr(13) CR, chr(0) NUL, chr(39) '
_STARTS: Final = "('=', '+', '-', '@', chr(9), chr(10), chr(13), chr(0), chr(39))"


class Format(StrEnum):
    """A file's form, which is also its place in the report's folder."""

    PARQUET = "parquet"
    CSV_EXACT = "csv-exact"
    CSV_SPREADSHEET = "csv-spreadsheet"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``kind`` is DuckDB's type."""

    name: str
    kind: str

    @property
    def is_text(self) -> bool:
        """Say whether it holds text as received, which a spreadsheet might take for a formula."""
        return self.kind == "VARCHAR" or self.is_nested

    @property
    def is_nested(self) -> bool:
        """Say whether it holds lists or documents, which stand as JSON in CSV."""
        return self.kind == "JSON" or self.kind.endswith("]") or self.kind.startswith(("STRUCT", "MAP"))


@dataclass(frozen=True, slots=True)
class Written:
    """One file: ``file`` is its path below the report's folder."""

    file: str
    form: Format
    size_bytes: int
    sha256: str


def columns_of(connection: Connection, select: str) -> tuple[Column, ...]:
    """Return a SELECT's columns."""
    described = connection.sql(f"describe {select}").fetchall()
    return tuple(Column(str(row[0]), str(row[1])) for row in described)


def write_table(
    connection: Connection, select: str, order: Sequence[str], stem: str, folder: Path, form: Format
) -> Written:
    """Write one table in one form; ``order`` makes its bytes depend on its rows only."""
    file = folder / form.value / f"{stem}.{'parquet' if form is Format.PARQUET else 'csv'}"
    file.parent.mkdir(mode=0o700, exist_ok=True)
    ordered = f"select * from ({select}) order by {', '.join(_quoted(name) for name in order)}"  # noqa: S608 - a model's own SELECT
    if form is Format.PARQUET:
        options = "format parquet, compression zstd, row_group_size 122880"
    else:
        columns = columns_of(connection, select)
        parts = ", ".join(_text_of(column, form) for column in columns)
        ordered = f"select {parts} from ({ordered})"  # noqa: S608 - the same
        options = "format csv, header true, force_quote *, quote '\"', escape '\"', delimiter ',', nullstr ''"
    connection.execute(f"copy ({ordered}) to '{str(file).replace(chr(39), chr(39) * 2)}' ({options})")
    file.chmod(0o600)
    return Written(f"{form.value}/{file.name}", form, file.stat().st_size, file_sha256(file))


def _text_of(column: Column, form: Format) -> str:
    name = _quoted(column.name)
    if column.kind == "TIMESTAMP WITH TIME ZONE":
        text = f"strftime({name}, '{INSTANT_FORMAT}')"
    elif column.is_nested and column.kind != "JSON":
        text = f"cast(to_json({name}) as varchar)"
    else:
        text = f"cast({name} as varchar)"
    if form is Format.CSV_SPREADSHEET and column.is_text:
        text = f"case when left({text}, 1) in {_STARTS} then chr(39) || {text} else {text} end"
    return f"{text} as {name}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
