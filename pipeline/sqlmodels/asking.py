"""Questions about the past: the same SQL texts, bound to what was known by an instant.

Belongs here: laying views under the models in a catalog of its own, and computing there whatever the question
changes. Does not belong here: the tables of the last turn (``pipeline.sqlmodels.runner``), rules (``sql/``).

A question has two axes (docs/domain.md, section 2): ``as_of`` is a parameter of the models, ``known_at`` a
filter under them. Histories, staged and landed records and the ledger are seen as they were known by then;
models to the right of a change are computed again in a catalog of its own, all others are read where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.errors import StateError
from pipeline.instants import format_instant
from pipeline.sqlmodels.between import Between
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.narrowing import Narrowing
from pipeline.sqlmodels.relations import QUESTION, Connection, Question, empty_catalog, give_question
from pipeline.sqlmodels.runner import create_table

WAREHOUSE: Final = "warehouse"
SCOPE: Final = "asked"
ALWAYS_ASKED: Final = ("ops.data_late", "ops.turns", "ops.streams")
_TURN_BOUND: Final = "landing.pages"
_LEDGER: Final = "ledger.entries"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the warehouse's tables answer; ``is_whole`` says that all of them are of one complete turn."""

    question: Question
    turn_no: int
    is_whole: bool


def read_stored(connection: Connection) -> Stored | None:
    """Return what the stored tables answer, or None where no turn was ever completed.

    A turn that was killed leaves tables of two turns: then the question is that of the last complete one.
    """
    turns = connection.sql(
        f"select turn_no, now, known_at from {WAREHOUSE}.ops.turns where is_complete order by turn_no desc limit 1"
        if "ops.turns" in _columns(connection)
        else "select null, null, null limit 0"
    ).fetchall()
    if not turns:
        return None
    turn_no, now, known_at = turns[0]
    differing = connection.sql(
        f"select count(*) from {WAREHOUSE}.ops.models where turn_no <> $turn_no",
        params={"turn_no": turn_no},
    ).fetchall()
    return Stored(Question(now, known_at), int(turn_no), is_whole=differing[0][0] == 0)


def ask(
    connection: Connection,
    graph: Graph,
    targets: Iterable[str],
    question: Question,
    *,
    last_seq: int | None = None,
    only: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Make the targets answer the question, under their own names, in a catalog of its own, and use that catalog.

    ``last_seq`` leaves out what was journalled behind that entry. ``only`` says about which partner or asset
    (``partner_id``, ``asset_id``) it is asked: answers may leave out others, and cost accordingly less. The warehouse
    itself is not changed; asking again on the same connection forgets the answers before.

    Raises:
        StateError: no turn was ever completed.

    """
    stored = read_stored(connection)
    if stored is None:
        message = "No turn was completed yet, so nothing can be asked: run `vipgrid sync` first."
        raise StateError(message)
    wanted = [name for name in (*targets, *ALWAYS_ASKED) if name in graph.models]
    connection.execute(f"use {WAREHOUSE}")
    empty_catalog(connection, SCOPE)
    columns = _columns(connection)
    roots = roots_of(graph)
    needed = graph.left_of(wanted, stop_at=roots)
    # What has no table yet is computed as well: newer code asks an older warehouse.
    changed = _changed(connection, graph, needed, (stored, question), last_seq) | (graph.models.keys() - columns.keys())
    computed = [name for name in needed if name in changed]
    _lay_views(connection, graph, computed, (*needed, *wanted), question, last_seq)
    narrowing = Narrowing(connection, WAREHOUSE, SCOPE, graph, only, columns, computed, frozenset(wanted))
    narrowing.lay_histories(lambda name: _filter(name, question, last_seq))
    connection.execute(f"use {SCOPE}")
    kept = roots | set(computed) | {QUESTION}
    between = None
    if stored.is_whole and question.known_at == stored.question.known_at and last_seq is None and not only:
        instants = (stored.question.as_of, question.as_of)
        between = Between(connection, graph, columns, frozenset(computed), instants, question)
    with in_any_order(connection):
        for name in computed:
            model = graph.models[name]
            narrowing.lay(model, [source for source in model.inputs if source not in kept and not is_root(source)])
            if between is None or not between.lay(model):
                create_table(connection, model, question, narrowing.limit(model))
    narrowing.lift()


@contextmanager
def in_any_order(connection: Connection) -> Iterator[None]:
    """Write tables in whatever order their rows come: in memory, only so do all cores write them."""
    connection.execute("set preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute("reset preserve_insertion_order")


def roots_of(graph: Graph) -> frozenset[str]:
    """Return the models that are records of what arrived, or was judged then: filtered by when, never computed."""
    return frozenset(name for name, model in graph.models.items() if model.refresh.is_replayed or is_root(name))


def is_root(name: str) -> bool:
    """Say whether a relation is a record of what arrived: it is filtered by when it was known, never computed."""
    return name.endswith("_history") or name.partition(".")[0] in {"landing", "staging", "ledger"}


def _changed(
    connection: Connection, graph: Graph, needed: Iterable[str], asked: tuple[Stored, Question], last_seq: int | None
) -> frozenset[str]:
    """Return the needed models whose answer may differ from the stored one."""
    stored, question = asked
    roots = roots_of(graph)
    models = {name: graph.models[name] for name in needed if name not in roots}
    if not stored.is_whole:
        return frozenset(models)
    sources: set[str] = set()
    if question.as_of != stored.question.as_of:
        sources |= {name for name, model in models.items() if asks_for(model, "as_of")}
    if question.known_at != stored.question.known_at:
        sources |= {name for name, model in models.items() if asks_for(model, "known_at")}
    if question.known_at != stored.question.known_at or last_seq is not None:
        read = {source for model in models.values() for source in model.inputs if source in roots or is_root(source)}
        later = _with_later_rows(connection, read, question, last_seq)
        sources |= {name for name, model in models.items() if later.intersection(model.inputs)}
    return frozenset(models.keys() & (sources | set(graph.right_of(sources))))


def _with_later_rows(
    connection: Connection, names: Iterable[str], question: Question, last_seq: int | None
) -> frozenset[str]:
    """Return the relations that have rows which the question leaves out; of landing that is not asked but assumed."""
    landed = {name for name in names if name.startswith("landing.")}
    others = sorted(set(names) - landed)
    asked = [
        f"select '{name}' where exists (from {WAREHOUSE}.{name} where {_left_out(name, question, last_seq)})"
        for name in others
    ]
    found = connection.sql(" union all ".join(asked)).fetchall() if asked else []
    return frozenset(landed | {row[0] for row in found})


def _columns(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the warehouse's relations with their columns."""
    rows = connection.sql(
        "select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = $catalog group by 1",
        params={"catalog": WAREHOUSE},
    ).fetchall()
    return {name: tuple(columns) for name, columns in rows}


def asks_for(model: Model, parameter: str) -> bool:
    """Say whether a model's answer hangs on that axis of the question by itself."""
    return parameter in model.parameters or QUESTION in model.inputs


def _lay_views(
    connection: Connection,
    graph: Graph,
    computed: Iterable[str],
    seen: Iterable[str],
    question: Question,
    last_seq: int | None,
) -> None:
    computed = set(computed)
    seen = set(seen) - computed
    roots = roots_of(graph)
    relations = {_LEDGER, *seen, *(source for name in computed for source in graph.models[name].inputs)} - computed
    for schema in sorted({name.partition(".")[0] for name in (*relations, *computed, QUESTION)}):
        connection.execute(f"create schema {SCOPE}.{schema}")
    give_question(connection, question, f"{SCOPE}.{QUESTION}")
    for name in sorted(relations - {QUESTION}):
        where = _filter(name, question, last_seq) if name in roots or is_root(name) else ""
        connection.execute(f"create view {SCOPE}.{name} as select * from {WAREHOUSE}.{name}{where}")


def _filter(name: str, question: Question, last_seq: int | None) -> str:
    known = f"known_at <= timestamptz '{format_instant(question.known_at)}'"
    if name == _TURN_BOUND:
        return f" where turn_no in (select turn_no from {WAREHOUSE}.ops.turns where {known})"
    if name == _LEDGER and last_seq is not None:
        return f" where {known} and seq <= {last_seq}"
    return f" where {known}"


def _left_out(name: str, question: Question, last_seq: int | None) -> str:
    later = f"known_at > timestamptz '{format_instant(question.known_at)}' or known_at is null"
    return f"{later} or seq > {last_seq}" if name == _LEDGER and last_seq is not None else later
