"""Published snapshots: one consistent set of Parquet files, swapped in at once.

Belongs here: which tables are published, their files, the manifest, the swap. Does not belong here:
reports (``pipeline.reports``).

``published/latest`` and ``published/full`` are links to folders below ``published/snapshots``; a link is
replaced in one rename, so a reader sees one snapshot or the other, never a mixture.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConfigurationError
from pipeline.home import Home
from pipeline.instants import format_instant
from pipeline.ledger.journal import sync_folder
from pipeline.ledger.turns import Turn
from pipeline.snapshots import MANIFEST, clean
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection
from pipeline.sqlmodels.runner import existing_tables

LATEST: Final = "latest"
FULL: Final = "full"
LARGE_ROWS: Final = 1_000_000
_ALWAYS: Final = frozenset({"marts", "ops", "sync"})
_FLOORS: Final = frozenset({"ops", "core", "freshness", "audit", "sync", "marts"})
_JOINED: Final = {"verdicts": "audit.verdicts", "lateness": "ops.lateness"}
_LATE_OF: Final = re.compile(r"data_late of (\w+)")
_LATENESS: Final = " left join ops.lateness as lateness on lateness.stream = published.stream"
_VERDICTS: Final = (
    " left join audit.verdicts as verdicts on verdicts.subject_type = published.subject_type"
    " and verdicts.subject_id = published.subject_id"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published snapshot: its folder, and rows per table."""

    folder: Path
    rows: dict[str, int]


def published_select(model: Model) -> str:
    """Return the SELECT that reads a table as others see it: with what changes on every row at every turn."""
    columns = ["published.*"]
    joins = []
    for word in model.published_with:
        late = _LATE_OF.fullmatch(word)
        if late:
            claim = late.group(1)
            columns.append(f"(select is_late from ops.data_late where claim = '{claim}') as data_late")  # noqa: S608 - a word of a header
        elif word in {"as_of", "known_at"}:
            columns.append(f"(select {word} from ops.question) as {word}")  # noqa: S608 - one of two words
        elif word == "verdicts":
            columns.append("verdicts.entitlement_now, verdicts.timing_now")
            joins.append(_VERDICTS)
        elif word == "lateness":
            columns.append("lateness.* exclude (stream)")
            joins.append(_LATENESS)
        else:
            message = f"The model {model.floor}/{model.table}.sql is published with {word!r}, which does not exist."
            raise ConfigurationError(message)
    return f"select {', '.join(columns)} from {model.name} as published{''.join(joins)}"  # noqa: S608 - a model's own name


def joined_tables(model: Model) -> tuple[str, ...]:
    """Return the tables that ``published_select`` reads besides the model's own, however large."""
    return tuple(_JOINED[word] for word in model.published_with if word in _JOINED)


def publish(
    connection: Connection, home: Home, graph: Graph, turn: Turn, *, kind: str = LATEST, code_version: str
) -> Snapshot:
    """Write a snapshot and swap it in; the old ones are removed, but for the last few and those that are read.

    Raises:
        OSError: the disk refused; the old snapshot stays.

    """
    snapshots = home.published / "snapshots"
    snapshots.mkdir(mode=0o700, exist_ok=True)
    folder = _new_folder(snapshots, f"{kind}-{turn.id}")
    rows: dict[str, int] = {}
    tables = []
    for model, count in _chosen(connection, graph, kind):
        file = folder / model.floor / f"{model.table}.parquet"
        write_table(connection, model, file)
        rows[model.name] = count
        tables.append(
            {
                "table": model.name,
                "file": f"{model.floor}/{file.name}",
                "rows": rows[model.name],
                "bytes": file.stat().st_size,
                "sha256": file_sha256(file),
            }
        )
    _write_manifest(folder, turn, tables, code_version)
    _swap(home.published / kind, folder)
    clean(snapshots, kind, keep=folder)
    return Snapshot(folder, rows)


def write_table(connection: Connection, model: Model, file: Path) -> None:
    """Write one table in the order of its grain, durable."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    order = ", ".join(model.grain)
    connection.execute(
        f"copy (select * from ({published_select(model)}) order by {order})"  # noqa: S608 - a model's own SELECT
        f" to '{str(file).replace(chr(39), chr(39) * 2)}' (format parquet, compression zstd)"
    )
    with file.open("rb") as written:
        os.fsync(written.fileno())


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_manifest(home: Home, kind: str = LATEST) -> dict[str, Any] | None:
    """Return the manifest of the snapshot in place, or None where nothing was published yet."""
    try:
        text = (home.published / kind / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def _chosen(connection: Connection, graph: Graph, kind: str) -> Iterator[tuple[Model, int]]:
    for name, rows in sorted(existing_tables(connection).items()):
        model = graph.models.get(name)
        if model is None or model.floor not in _FLOORS:
            continue
        if kind == FULL or model.floor in _ALWAYS or rows < LARGE_ROWS:
            yield model, rows


def _new_folder(snapshots: Path, name: str) -> Path:
    for attempt in range(1, 1_000_000):
        folder = snapshots / f"{name}-{attempt:04d}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return folder
    message = f"Too many snapshots of {name} in {snapshots}."
    raise ConfigurationError(message)


def _write_manifest(folder: Path, turn: Turn, tables: Sequence[dict[str, object]], code_version: str) -> None:
    manifest = {
        "turn": turn.id,
        "as_of": format_instant(turn.now),
        "known_at": format_instant(turn.known_at),
        "code_version": code_version,
        "tables": list(tables),
    }
    path = folder / MANIFEST
    with path.open("x", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _swap(link: Path, folder: Path) -> None:
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("snapshots") / folder.name)
    fresh.replace(link)
    sync_folder(link.parent)
