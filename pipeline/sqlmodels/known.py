"""What of a record is known to the rules, as relations: the fields that are read, the values that are understood.

Belongs here: ``ops.read_fields``, ``ops.former_mappings`` and ``ops.known_values``. Does not belong here: what is made
of a record that has others (``sql/ops/drift.sql``), the mapping itself (``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from pipeline.enumerations import ENUMERATIONS
from pipeline.ingest.landed import LandedChunk, former_fields
from pipeline.sqlmodels.mapped import text
from pipeline.streams import STREAMS


class Connection(Protocol):
    """The part of a DuckDB connection that is used."""

    def execute(self, query: str, parameters: object = ...) -> object:
        """Run a statement."""


def give_known_values(connection: Connection) -> None:
    """(Re)make ``ops.known_values``: one row per value of an enumerated field."""
    rows = [(stream, field, value) for (stream, field), values in ENUMERATIONS.items() for value in values]
    _give(connection, "ops.known_values", ("stream", "field", "value"), rows)


def give_read_fields(connection: Connection, chunks: Mapping[str, Sequence[LandedChunk]]) -> None:
    """(Re)make ``ops.read_fields``: one row per stream and path that its last pull's mapping reads."""
    rows: list[tuple[str, str]] = []
    for stream, own in chunks.items():
        mapping = own[-1].mapping if own else {}
        paths = {path for name in STREAMS[stream].field_names for path in read_paths(mapping.get(name, [name]))}
        rows += [(stream, path) for path in sorted(paths)]
    _give(connection, "ops.read_fields", ("stream", "path"), rows)


def give_former_mappings(connection: Connection, chunks: Mapping[str, Sequence[LandedChunk]]) -> None:
    """(Re)make ``ops.former_mappings``: one row per stream and field that its last pull makes otherwise than before.

    ``turn_no`` is the last turn whose records are read in the former way.
    """
    rows: list[tuple[str, str, str]] = []
    for stream, own in chunks.items():
        pulled = [landed for landed in own if landed.connection]
        same = [landed for landed in pulled if landed.connection == pulled[-1].connection]
        if same:
            found = former_fields(same, same[-1].mapping)
            rows += [(stream, field, str(turn)) for field, turn in sorted(found.items())]
    _give(connection, "ops.former_mappings", ("stream", "field", "turn_no"), rows)


def read_paths(rule: Any) -> Iterator[str]:
    """Yield the paths that a field's rule reads, each up to its first list."""
    if isinstance(rule, list):
        names = []
        for step in rule:
            if str(step).startswith("["):
                break
            names.append(str(step))
        if names:
            yield ".".join(names)
        return
    for word in ("path", "mark", "rule"):
        if rule.get(word):
            yield from read_paths(rule[word])
    for path in (
        *(rule.get("first_of") or ()),
        *(part for part in rule.get("template") or () if isinstance(part, list)),
    ):
        yield from read_paths(path)
    if rule.get("only_if"):
        yield from read_paths(rule["only_if"]["path"])


def _give(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    shape = ", ".join(f"{name} varchar" for name in columns)
    connection.execute("create schema if not exists ops")
    connection.execute(f"create or replace table {table} ({shape})")
    if rows:
        values = ", ".join(f"({', '.join(map(text, row))})" for row in rows)
        connection.execute(f"insert into {table} values {values}")
