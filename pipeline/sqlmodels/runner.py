"""Running models: the steps.

Belongs here: the steps of which every way to compute a model is made: one transaction, one SELECT with its parameters,
the grain. Does not belong here: how much of it is computed (``pipeline.sqlmodels.increments``), what the relations
are (``pipeline.sqlmodels.relations``), when a model runs (``assets_defs``, ``resources.workspace``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pipeline.errors import ConfigurationError, StateError
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, Question

Columns: TypeAlias = tuple[tuple[str, str], ...]
"""A relation's columns, each as (name, type)."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a model's run left: rows in its table, its columns, and ``how`` it came about, in words."""

    model: str
    rows: int
    columns: Columns
    how: str = ""


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


def create_table(connection: Connection, model: Model, question: Question, limit: str = "") -> int:
    """Make the model's table in the current catalog from whatever its inputs' names stand for there.

    ``limit`` is a condition that its rows have to meet, without one all are in it. Returns the number of its rows.
    """
    parameters = parameters_of(model, question)
    text = f"select * from (\n{model.text}\n) where {limit}" if limit else model.text
    if not model.stored_plain:
        made = connection.execute(f"create or replace table {model.name} as\n{text}", parameters)
    else:
        create_empty(connection, model.name, model, described(connection, model, parameters))
        made = connection.execute(f"insert into {model.name}\n{text}", parameters)
    return int(made.fetchall()[0][0])


def described(connection: Connection, model: Model, parameters: Mapping[str, datetime]) -> Columns:
    """Return the columns that the model's rows have.

    Raises:
        ConfigurationError: the header names a column that the model does not have.

    """
    rows = connection.execute(f"describe {model.text}", parameters).fetchall()
    if missing := sorted(set(model.stored_plain) - {row[0] for row in rows}):
        message = f"The header of {model.name} names columns that it does not have: {', '.join(missing)}."
        raise ConfigurationError(message)
    return tuple((row[0], row[1]) for row in rows)


def create_empty(connection: Connection, table: str, model: Model, columns: Columns) -> None:
    """Make a table with these columns, packed as the model's header says, and no rows."""
    listed = ", ".join(
        f"{name} {kind}{' using compression uncompressed' if name in model.stored_plain else ''}"
        for name, kind in columns
    )
    connection.execute(f"create or replace table {table} ({listed})")


def parameters_of(model: Model, question: Question) -> dict[str, datetime]:
    """Return the parameters that the model's text names."""
    values = {"as_of": question.as_of, "known_at": question.known_at}
    return {name: value for name, value in values.items() if name in model.parameters}


def check_grain(connection: Connection, model: Model) -> int:
    """Hold the header's grain against the table and return its rows.

    Raises:
        GrainError: with the first grain that occurs twice or holds a null.

    """
    return grain_rows(connection, model.name, model)


def grain_rows(connection: Connection, relation: str, model: Model) -> int:
    """Hold the header's grain against rows that are to be in the model's table, and return how many these are.

    Raises:
        GrainError: with the first grain that occurs twice or holds a null.

    """
    keys = ", ".join(model.grain)
    # Where all hashes differ all keys do, and a number takes less room than a key; where two are equal, look closer.
    is_null = " or ".join(f"{key} is null" for key in model.grain)
    counts = f"count(*), count(distinct hash({keys})), count(*) filter (where {is_null})"
    rows, hashes, nulls = connection.execute(f"select {counts} from {relation}").fetchall()[0]
    if rows == hashes and not nulls:
        return int(rows)
    is_bad = " or ".join(["same > 1", *(f"{key} is null" for key in model.grain)])
    grains = f"select {keys}, count(*) as same from {relation} group by {keys}"
    counted = connection.execute(
        f"select coalesce(sum(same), 0)::bigint, count(*) filter (where {is_bad}) from ({grains})"
    ).fetchall()
    if counted[0][1]:
        bad = connection.sql(f"select {keys} from ({grains}) where {is_bad} order by all limit 1").fetchall()
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
