"""A batch of records as files: ndjson, csv, parquet, some of them compressed.

Records whose text matters go to ndjson, value by value as they are; only the order of
fields and blanks vary, which RFC 8785 text does not see.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.reference.dice import Dice
from tests.reference.records import Record

INTEGERS = frozenset({"version_no", "size_bytes", "sequence", "bytes", "gate_percent", "required_rung"})
BOOLEANS = frozenset({"covers_children", "required"})
LISTS = frozenset({"rights", "restricted_regions", "roles", "trading_addresses"})
LOCALS = frozenset({"effective_local", "launch_local"})
INSTANTS = frozenset({"valid_from", "valid_to", "embargo_until"})


def write_files(folder: Path, name: str, records: tuple[list[Record], list[Record]], dice: Dice) -> list[Path]:
    """Write (exact, free) records as one or more new files of the folder."""
    exact, free = records
    half = len(free) // 2 if dice.chance(30) else 0
    parts = [
        (exact, "ndjson"),
        (free[:half], dice.weighted({"ndjson": 6, "csv": 2, "parquet": 2})),
        (free[half:], dice.weighted({"ndjson": 6, "csv": 2, "parquet": 2})),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number, (part, kind) in enumerate(parts):
        if part:
            path = folder / f"{name}-{number}.{kind}"
            paths.append(_write(path, part, dice, is_exact=number == 0))
    return paths


def _write(path: Path, records: list[Record], dice: Dice, *, is_exact: bool) -> Path:
    kind = path.suffix
    if not is_exact:
        records = [_free_nulls(record, dice) for record in records]
    if kind == ".parquet":
        pq.write_table(_table(records), path)
        return path
    content = _csv(records) if kind == ".csv" else _ndjson(records, dice)
    compression = dice.weighted({"": 6, ".gz": 1, ".zst": 1})
    if compression == ".gz":
        content = gzip.compress(content, mtime=0)
    if compression == ".zst":
        content = zstandard.ZstdCompressor().compress(content)
    path = path.with_name(path.name + compression)
    path.write_bytes(content)
    return path


def _free_nulls(record: Record, dice: Dice) -> Record:
    """Leave nulls out, or leave them in."""
    if dice.chance(50):
        return {name: value for name, value in record.items() if value is not None}
    return record


def _ndjson(records: Iterable[Record], dice: Dice) -> bytes:
    lines: list[str] = []
    for record in records:
        names = list(record)
        if dice.chance(30):
            names.reverse()
        shown = {name: record[name] for name in names}
        separators = (",", ":") if dice.chance(50) else (", ", ": ")
        is_ascii = dice.chance(50)
        line = json.dumps(shown, separators=separators, ensure_ascii=is_ascii)
        lines.append(line)
    end = "" if dice.chance(20) else "\n"
    return ("\n".join(lines) + end).encode()


def _names(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _csv(records: list[Record]) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    names = _names(records)
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(record.get(name)) for name in names])
    return target.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list):
        return json.dumps(value)
    return str(value)


def _table(records: list[Record]) -> pa.Table:
    columns = {
        name: pa.array([_typed(name, record.get(name)) for record in records], type=_type(name))
        for name in _names(records)
    }
    return pa.table(columns)


def _is_instant(name: str) -> bool:
    return name.endswith("_at") or name in INSTANTS


def _type(name: str) -> pa.DataType:
    if name in INTEGERS:
        return pa.int64()
    if name in BOOLEANS:
        return pa.bool_()
    if name in LISTS:
        return pa.list_(pa.string())
    if name in LOCALS:
        return pa.timestamp("us")
    return pa.timestamp("us", tz="UTC") if _is_instant(name) else pa.string()


def _typed(name: str, value: Any) -> object:
    if value is None:
        return None
    if name in LOCALS:
        return datetime.fromisoformat(value)
    return datetime.fromisoformat(value).astimezone(UTC) if _is_instant(name) else value
