"""Reading: the warehouse while nobody writes it, else what was published last, and from when it is.

Belongs here: which of the two answers, and how. Does not belong here: the questions (``cli``), the rules.

A reader never sees half a turn: where a turn was killed in the middle, the tables of the last complete one
are read from ``published/latest``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import duckdb

from pipeline.errors import BusyError, StateError
from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.publish import LATEST, joined_tables, published_select, read_manifest
from pipeline.questions import known_by
from pipeline.snapshots import held_snapshot
from pipeline.sqlmodels.asking import ask, read_stored
from pipeline.sqlmodels.graph import Graph, load_graph
from pipeline.sqlmodels.relations import Question
from resources.warehouse import open_for_reading, open_in_memory

_NOTHING_YET: Final = "Nothing was read yet in {home}: run `vipgrid sync` first (or name the state folder with --home)."


class Origin(StrEnum):
    """Where an answer comes from."""

    WAREHOUSE = "warehouse"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Reader:
    """One consistent set of tables, and what they are about: ``question`` of the turn ``turn_id``."""

    connection: duckdb.DuckDBPyConnection
    graph: Graph
    origin: Origin
    turn_id: str
    question: Question
    is_past: bool = False

    def has(self, name: str) -> bool:
        """Say whether a table can be read."""
        floor, _, table = name.partition(".")
        found = self.connection.sql(
            "select 1 from information_schema.tables where table_catalog = current_catalog()"
            " and table_schema = $floor and table_name = $table",
            params={"floor": floor, "table": table},
        ).fetchall()
        return bool(found)

    def table(self, name: str) -> str:
        """Return the SELECT of a table as others see it, to stand in a FROM clause.

        Raises:
            BusyError: it is too large to be published at every turn, and the warehouse is not to be had.
            StateError: it was never computed.

        """
        if not self.has(name):
            if self.origin is Origin.PUBLISHED:
                message = f"The warehouse cannot be read now, and what was published last has no {name}: ask again."
                raise BusyError(message)
            message = f"There is no table {name} yet: `vipgrid sync` makes it."
            raise StateError(message)
        # Tables of an older vipgrid may lack what is joined.
        is_whole = all(self.has(joined) for joined in joined_tables(self.graph.models[name]))
        if self.origin is Origin.PUBLISHED or not is_whole:
            return f"(select * from {name})"  # noqa: S608 - a table's own name
        return f"({published_select(self.graph.models[name])})"

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """Ask, and return the rows by column name."""
        relation = self.connection.sql(query, params=dict(parameters or {}))
        names = relation.columns
        return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A question about the past; ``targets`` are the tables needed, ``only`` the partner or asset it is about.

    Without ``known_at`` it is what is known now; without ``as_of`` it is about the instant that the last turn was about
    of which all was known by ``known_at``.
    """

    as_of: datetime | None
    known_at: datetime | None
    targets: tuple[str, ...]
    only: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def open_reader(home: Home, past: Past | None = None) -> Iterator[Reader]:
    """Open the tables of the last complete turn, waiting at most five seconds for a writer.

    Raises:
        StateError: nothing was ever computed here.
        BusyError: a writer holds the warehouse, and what was published cannot answer instead.

    """
    with ExitStack() as stack:
        is_past = past is not None and (past.as_of is not None or past.known_at is not None)
        if past is not None and is_past:
            yield _asked(stack.enter_context(_warehouse(home)), past)
        else:
            yield _whole(stack, home) or _published(stack, home)


@contextmanager
def _warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    if not home.warehouse.exists():
        raise StateError(_NOTHING_YET.format(home=home.path))
    with open_for_reading(home) as connection:
        yield connection


def _asked(connection: duckdb.DuckDBPyConnection, past: Past) -> Reader:
    stored = read_stored(connection)
    if stored is None:
        message = "No turn was completed yet, so nothing can be asked: run `vipgrid sync` first."
        raise StateError(message)
    known = known_by(connection, stored.question, past.known_at)
    question = Question(past.as_of or known.question.as_of, known.question.known_at)
    graph = load_graph()
    joined = (name for target in past.targets for name in joined_tables(graph.models[target]))
    ask(connection, graph, (*past.targets, *joined), question, last_seq=known.last_seq, only=past.only)
    turn_no = connection.sql("select max(turn_no) from ops.turns where is_complete").fetchall()[0][0]
    return Reader(connection, graph, Origin.WAREHOUSE, _turn_id(turn_no), question, is_past=True)


def _whole(stack: ExitStack, home: Home) -> Reader | None:
    """Return a reader of the warehouse, or None where it is busy, gone, or stopped in the middle of a turn."""
    try:
        connection = stack.enter_context(_warehouse(home))
    except (BusyError, StateError):
        if read_manifest(home) is None:
            raise
        return None
    stored = read_stored(connection)
    if stored is None or not stored.is_whole:
        return None
    return Reader(connection, load_graph(), Origin.WAREHOUSE, _turn_id(stored.turn_no), stored.question)


def _published(stack: ExitStack, home: Home) -> Reader:
    held = stack.enter_context(held_snapshot(home.published / LATEST))
    if held is None:
        raise StateError(_NOTHING_YET.format(home=home.path))
    folder, manifest = held
    connection = stack.enter_context(open_in_memory(home))
    for table in manifest["tables"]:
        schema = str(table["table"]).partition(".")[0]
        file = str(folder / table["file"]).replace("'", "''")
        connection.execute(f"create schema if not exists {schema}")
        connection.execute(f"create view {table['table']} as select * from read_parquet('{file}')")  # noqa: S608 - names of models
    question = Question(parse_instant(manifest["as_of"]), parse_instant(manifest["known_at"]))
    return Reader(connection, load_graph(), Origin.PUBLISHED, str(manifest["turn"]), question)


def _turn_id(turn_no: int | None) -> str:
    return "none" if turn_no is None else f"T{turn_no:06d}"


def about(*, partner: str | None = None, asset: str | None = None) -> dict[str, str]:
    """Return what a question is about, as ``Past.only`` says it."""
    given = {"partner_id": partner, "asset_id": asset}
    return {key: value for key, value in given.items() if value is not None}
