"""Running models: one function, one model, one transaction.

Belongs here: materializing a model from the relations to its left, its grain check, and the record of
what was computed when. Does not belong here: what the relations are (``pipeline.sqlmodels.relations``),
when a model runs (``assets_defs``, ``resources.workspace``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import StateError
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, Question


@dataclass(frozen=True, slots=True)
class Result:
    """What a model's run left: rows in its table, and its columns as (name, type)."""

    model: str
    rows: int
    columns: tuple[tuple[str, str], ...]


class GrainError(StateError):
    """A table would have had two rows of one grain, or a grain with a null: it was not replaced."""


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Commit what is done inside, or nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def run_model(connection: Connection, model: Model, question: Question, turn_no: int) -> Result:
    """Make the model's table anew from its inputs, check its grain, and record that it was done.

    Raises:
        GrainError: the grain does not hold; the old table stays.

    """
    with transaction(connection):
        connection.execute(f"create schema if not exists {model.floor}")
        if model.refresh == "append" and model.name in existing_tables(connection):
            _append(connection, model, question)
        else:
            create_table(connection, model, question)
        rows = check_grain(connection, model)
        _record(connection, model, turn_no, rows)
    return Result(model.name, rows, columns_of(connection, model))


def create_table(connection: Connection, model: Model, question: Question) -> None:
    """Make the model's table in the current catalog from whatever its inputs' names stand for there."""
    connection.execute(f"create or replace table {model.name} as\n{model.text}", parameters_of(model, question))


def parameters_of(model: Model, question: Question) -> dict[str, datetime]:
    """Return the parameters that the model's text names."""
    values = {"as_of": question.as_of, "known_at": question.known_at}
    return {name: value for name, value in values.items() if name in model.parameters}


def check_grain(connection: Connection, model: Model) -> int:
    """Hold the header's grain against the table and return its rows.

    Raises:
        GrainError: with the first grain that occurs twice or holds a null.

    """
    keys = ", ".join(model.grain)
    is_bad = " or ".join(["same > 1", *(f"{key} is null" for key in model.grain)])
    grains = f"select {keys}, count(*) as same from {model.name} group by {keys}"  # noqa: S608 - names from the model
    counted = connection.sql(
        f"select coalesce(sum(same), 0)::bigint, count(*) filter (where {is_bad}) from ({grains})"  # noqa: S608 - the same
    ).fetchall()
    if counted[0][1]:
        bad = connection.sql(f"select {keys} from ({grains}) where {is_bad} order by all limit 1").fetchall()  # noqa: S608 - the same
        named = ", ".join(f"{key}={value!r}" for key, value in zip(model.grain, bad[0], strict=True))
        message = f"The table {model.name} would break its grain at {named}; the old one stays."
        raise GrainError(message)
    return int(counted[0][0])


def existing_tables(connection: Connection) -> dict[str, int]:
    """Return the models whose tables are there, and how many rows each had when it was made."""
    has_record = connection.sql(
        "select 1 from duckdb_tables() where database_name = current_catalog()"
        " and schema_name = 'ops' and table_name = 'models'"
    ).fetchall()
    return dict(connection.sql("select model, rows from ops.models").fetchall()) if has_record else {}


def columns_of(connection: Connection, model: Model) -> tuple[tuple[str, str], ...]:
    """Return a table's columns as (name, type)."""
    empty = connection.sql(f"select * from {model.name} limit 0")  # noqa: S608 - a model's own name
    return tuple((name, str(kind)) for name, kind in zip(empty.columns, empty.types, strict=True))


def _append(connection: Connection, model: Model, question: Question) -> None:
    """Add the rows whose grain is new; what is there stays as it is."""
    keys = " and ".join(f"present.{key} is not distinct from fresh.{key}" for key in model.grain)
    connection.execute(
        f"insert into {model.name} by name select fresh.* from (\n{model.text}\n) as fresh"  # noqa: S608 - the model's own text
        f" where not exists (select 1 from {model.name} as present where {keys})",
        parameters_of(model, question),
    )


def _record(connection: Connection, model: Model, turn_no: int, rows: int) -> None:
    connection.execute(
        "create table if not exists ops.models (model varchar, turn_no integer, text_sha256 varchar, rows bigint)"
    )
    connection.execute("delete from ops.models where model = ?", [model.name])
    connection.execute("insert into ops.models values (?, ?, ?, ?)", [model.name, turn_no, model.text_sha256, rows])
