"""Questions about the past: the same SQL texts, bound to what was known by an instant.

Belongs here: laying views under the models in a catalog of its own, and computing there whatever the question
changes. Does not belong here: the tables of the last turn (``pipeline.sqlmodels.runner``), rules (``sql/``).

A question has two axes (docs/domain.md, section 2): ``as_of`` is a parameter of the models, ``known_at`` a
filter under them. Histories, staged and landed records and the ledger are seen as they were known by then;
models to the right of a change are computed again in a catalog of its own, all others are read where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.errors import StateError
from pipeline.instants import format_instant
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import QUESTION, Connection, Question, empty_catalog, give_question
from pipeline.sqlmodels.runner import create_table
from pipeline.sqlmodels.touching import binding

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
        if "ops.turns" in _tables(connection)
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
    # What has no table yet is computed as well: newer code asks an older warehouse.
    changed = _changed(graph, stored, question, last_seq) | (graph.models.keys() - _tables(connection))
    roots = roots_of(graph)
    needed = graph.left_of(wanted, stop_at=roots)
    computed = [name for name in needed if name in changed]
    seen = [name for name in (*needed, *wanted) if name not in changed]
    _lay_views(connection, graph, computed, seen, question, last_seq)
    connection.execute(f"use {SCOPE}")
    kept = roots | set(computed) | {QUESTION}
    narrowed = _narrowed(graph, computed, only)
    for name in computed:
        model = graph.models[name]
        keys = {key: only[key] for key in sorted(narrowed[name])}
        stored_inputs = [source for source in model.inputs if source not in kept and not is_root(source)]
        _lay_narrowed(connection, model, stored_inputs if only else (), keys)
        create_table(connection, model, question)
        _lay_narrowed(connection, model, stored_inputs if keys else (), {})


def _narrowed(graph: Graph, computed: Sequence[str], only: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return by which of the asked keys each computed model may be narrowed: its own, and all that read it are, too."""
    narrowed = {name: frozenset(only) & frozenset(graph.models[name].refresh.keys) for name in computed}
    for name in reversed(computed):
        for source in graph.models[name].inputs:
            if source in narrowed:
                narrowed[source] &= narrowed[name]
    return narrowed


def _lay_narrowed(connection: Connection, model: Model, sources: Iterable[str], keys: Mapping[str, str]) -> None:
    """Let stored inputs of a model bear only what is asked about."""
    for source in sources:
        bound = binding(model, source, connection.sql(f"select * from {WAREHOUSE}.{source} limit 0").columns)
        conditions = [
            f"{bound[key]} = '{value.replace(chr(39), chr(39) * 2)}'" for key, value in keys.items() if key in bound
        ]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        connection.execute(f"create or replace view {SCOPE}.{source} as select * from {WAREHOUSE}.{source}{where}")


def roots_of(graph: Graph) -> frozenset[str]:
    """Return the models that are records of what arrived, or was judged then: filtered by when, never computed."""
    return frozenset(name for name, model in graph.models.items() if model.refresh.is_replayed or is_root(name))


def is_root(name: str) -> bool:
    """Say whether a relation is a record of what arrived: it is filtered by when it was known, never computed."""
    return name.endswith("_history") or name.partition(".")[0] in {"landing", "staging", "ledger"}


def _changed(graph: Graph, stored: Stored, question: Question, last_seq: int | None) -> frozenset[str]:
    """Return the models whose answer may differ from the stored one."""
    roots = roots_of(graph)
    if not stored.is_whole:
        return frozenset(graph.models.keys() - roots)
    sources: set[str] = set()
    if question.as_of != stored.question.as_of:
        sources |= {name for name, model in graph.models.items() if asks_for(model, "as_of")}
    if question.known_at != stored.question.known_at:
        sources |= {name for name, model in graph.models.items() if asks_for(model, "known_at")}
        sources |= {
            name
            for name, model in graph.models.items()
            if any(source in roots or is_root(source) for source in model.inputs)
        }
    if last_seq is not None:
        sources |= {name for name, model in graph.models.items() if _LEDGER in model.inputs}
    reached = sources | set(graph.right_of(sources))
    return frozenset(name for name in reached if name in graph.models and name not in roots)


def _tables(connection: Connection) -> frozenset[str]:
    rows = connection.sql(
        "select schema_name, table_name from duckdb_tables() where database_name = $catalog",
        params={"catalog": WAREHOUSE},
    ).fetchall()
    return frozenset(f"{schema}.{table}" for schema, table in rows)


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
