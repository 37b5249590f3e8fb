"""Supposing: the same SQL models over views in which some records have one more edition.

Belongs here: laying the scope catalog for a few assets, computing there what is asked, once as things are and once as
they are supposed to be. Does not belong here: rules (``sql/``), what is compared (``pipeline.whatif.differences``).

Only what concerns the assets in question is read and computed: an input that has a column ``asset_id`` is filtered to
them, one that has only ``grant_id`` to the grants that reach them. Records of what arrived (histories, staging) are
filtered only where they are changed, so whatever is computed from them is computed whole. The warehouse is attached
read-only and is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.errors import StateError
from pipeline.sqlmodels.asking import SCOPE, WAREHOUSE, Stored, asks_for, is_root, read_stored, roots_of
from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.relations import QUESTION, Connection, Question, empty_catalog, give_question
from pipeline.sqlmodels.runner import create_table
from pipeline.whatif.changes import Edition

BEFORE: Final = "before"
_LATENESS: Final = "ops.data_late"
# Sorts behind every SHA-256: among editions of one instant, the supposed one is the latest.
_SUPPOSED: Final = "what-if-"


@dataclass(frozen=True, slots=True)
class Focus:
    """What a question is restricted to."""

    asset_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tables that are asked for; those that are ``compared`` are wanted as things are, too."""

    targets: tuple[str, ...]
    compared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is computed as things are, what again as they are supposed to be, and what is only laid underneath."""

    first: tuple[str, ...]
    again: tuple[str, ...]
    laid: tuple[str, ...]


def stored_or_refuse(connection: Connection) -> Stored:
    """Return what the stored tables answer.

    Raises:
        StateError: there is no complete turn to start from.

    """
    stored = read_stored(connection)
    if stored is None:
        message = "No turn was completed yet, so nothing can be supposed: run `vipgrid sync` first."
        raise StateError(message)
    if not stored.is_whole:
        message = "The last turn was interrupted, so its tables are of two turns: run `vipgrid sync`, which ends it."
        raise StateError(message)
    return stored


def suppose(
    connection: Connection,
    graph: Graph,
    wanted: Wanted,
    question: Question,
    focus: Focus,
    editions: Sequence[Edition],
) -> None:
    """Compute what is wanted in the scope catalog as supposed, and use that catalog; as it is, it stands in ``before``.

    Raises:
        StateError: there is no complete turn to start from.

    """
    stored = stored_or_refuse(connection)
    changed = frozenset(edition.relation for edition in editions)
    plan = _plan(connection, graph, wanted, (stored, question), changed)
    connection.execute(f"use {WAREHOUSE}")
    empty_catalog(connection, SCOPE)
    _lay(connection, plan, changed, question, focus)
    connection.execute(f"use {SCOPE}")
    for name in plan.first:
        create_table(connection, graph.models[name], question)
    connection.execute(f"create schema {BEFORE}")
    for name in wanted.compared:
        connection.execute(f"create table {before(name)} as select * from {name}")  # noqa: S608 - names of models
    for number, edition in enumerate(editions):
        _add_edition(connection, edition, number, question)
    for name in plan.again:
        _drop(connection, name)
        create_table(connection, graph.models[name], question)


def before(name: str) -> str:
    """Return the name of a compared table as things are."""
    return f"{BEFORE}.{name.partition('.')[2]}"


def _plan(
    connection: Connection,
    graph: Graph,
    wanted: Wanted,
    asked: tuple[Stored, Question],
    changed: frozenset[str],
) -> Plan:
    stored, question = asked
    roots = roots_of(graph)
    needed = graph.left_of(wanted.targets, stop_at=roots)
    differing = _differing(connection, graph)
    if question.as_of != stored.question.as_of:
        differing |= {name for name, model in graph.models.items() if asks_for(model, "as_of")}
    first = _reached(graph, differing)
    if question.as_of > stored.question.as_of:
        # Nothing is known of feeds that are yet to come: they are taken to be as late as they are now.
        first -= {_LATENESS}
    again = set(graph.right_of(changed))
    computed = [name for name in needed if name in first]
    recomputed = [name for name in needed if name in again]
    read = {*wanted.compared, *(set(wanted.targets) - again)}
    laid = {*read, *changed, *_inputs(graph, computed), *(_inputs(graph, recomputed) - again)}
    return Plan(tuple(computed), tuple(recomputed), tuple(sorted(laid - set(computed) - {QUESTION})))


def _inputs(graph: Graph, names: Iterable[str]) -> set[str]:
    return {source for name in names for source in graph.models[name].inputs}


def _reached(graph: Graph, sources: set[str]) -> set[str]:
    reached = sources | set(graph.right_of(sources))
    return {name for name in reached if name in graph.models} - roots_of(graph)


def _differing(connection: Connection, graph: Graph) -> set[str]:
    """Return the models that have no table in the warehouse, or one that another text has made."""
    texts = dict(connection.sql(f"select model, text_sha256 from {WAREHOUSE}.ops.models").fetchall())  # noqa: S608 - a name of ours
    return {name for name, model in graph.models.items() if texts.get(name) != model.text_sha256}


def _lay(connection: Connection, plan: Plan, changed: frozenset[str], question: Question, focus: Focus) -> None:
    for schema in sorted({name.partition(".")[0] for name in (*plan.first, *plan.again, *plan.laid, QUESTION)}):
        connection.execute(f"create schema {SCOPE}.{schema}")
    give_question(connection, question, f"{SCOPE}.{QUESTION}")
    grants = _grants_reaching(connection, focus) if any("grant" in name for name in plan.laid) else ()
    for name in plan.laid:
        columns = connection.sql(f"select * from {WAREHOUSE}.{name} limit 0").columns  # noqa: S608 - names of models
        condition = None
        if name in changed or not is_root(name):
            condition = _condition(columns, focus, grants)
        kind = "view" if condition is None else "table"
        where = "" if condition is None else f" where {condition}"
        connection.execute(f"create {kind} {SCOPE}.{name} as select * from {WAREHOUSE}.{name}{where}")  # noqa: S608 - the same


def _condition(columns: Sequence[str], focus: Focus, grants: Sequence[str]) -> str | None:
    if "asset_id" in columns:
        # A row without asset is about all of them (a decision), or about none.
        return f"(asset_id in ({_texts(focus.asset_ids)}) or asset_id is null)"
    if "grant_id" in columns:
        return f"grant_id in ({_texts(grants)})"
    return None


def _grants_reaching(connection: Connection, focus: Focus) -> tuple[str, ...]:
    assets = _texts(focus.asset_ids)
    rows = connection.sql(
        f"select distinct grant_id from {WAREHOUSE}.freshness.grant_assets where asset_id in ({assets})"  # noqa: S608 - quoted
    ).fetchall()
    return tuple(row[0] for row in rows)


def _add_edition(connection: Connection, edition: Edition, number: int, question: Question) -> None:
    replaced = {
        "edition": "edition + 1",
        "known_at": "$known_at::timestamptz",
        "ordered_at": "greatest(ordered_at, $known_at::timestamptz)",
        "record_sha256": f"'{_SUPPOSED}{number:06d}'",
        **edition.replaced,
    }
    expressions = ", ".join(f"{expression} as {column}" for column, expression in replaced.items())
    keys = " and ".join(f"{column} = $key_{column}" for column in edition.key)
    connection.execute(
        f"insert into {edition.relation} select * replace ({expressions}) from ("  # noqa: S608 - names of ours
        f"select * from {edition.relation} where {keys} order by ordered_at desc, record_sha256 desc limit 1)",
        {
            **edition.parameters,
            **{f"key_{column}": value for column, value in edition.key.items()},
            "known_at": question.known_at,
        },
    )


def _drop(connection: Connection, name: str) -> None:
    floor, _, table = name.partition(".")
    laid_as_view = connection.sql(
        "select 1 from duckdb_views() where database_name = $scope and schema_name = $floor and view_name = $table",
        params={"scope": SCOPE, "floor": floor, "table": table},
    ).fetchall()
    if laid_as_view:
        connection.execute(f"drop view {name}")


def _texts(values: Iterable[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return quoted or "null"
