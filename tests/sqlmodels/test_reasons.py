"""What is left alone: models that read nothing of what changed, and those that cannot have rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline.home import Home
from pipeline.sqlmodels.increments import UNCHANGED, Increments
from pipeline.sqlmodels.model import Model, read_model
from pipeline.sqlmodels.reasons import HAS_FEW_ROWS
from pipeline.sqlmodels.relations import Question
from resources.warehouse import open_in_memory

Turn = Callable[..., dict[str, str]]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SQL = {
    "core/things": "-- Refresh: full\nselect * from core.given",
    "core/reds": (
        "-- Refresh: by thing_id\nwith reds as (select * from core.things where color = 'red' and since <= $as_of)"
        " select *, null::timestamptz as next_change_at from reds"
    ),
    "core/marks": (
        "-- Refresh: by thing_id\n-- Only with: core.marked(thing_id) where mark > 0\n"
        "with things as (select * from core.things), marked as (select * from core.marked where mark > 0)"
        " select things.thing_id, marked.mark from things inner join marked on marked.thing_id = things.thing_id"
    ),
    "core/marked": "-- Refresh: full\nselect * from core.given_marks",
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home(tmp_path / "home")
    home.make()
    with open_in_memory(home) as opened:
        opened.execute("create schema core")
        opened.execute("create table core.given (thing_id varchar, color varchar, since timestamptz)")
        opened.execute("create table core.given_marks (thing_id varchar, mark integer)")
        yield opened


@pytest.fixture
def turn(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Turn:
    models: dict[str, Model] = {}
    for name, text in SQL.items():
        path = tmp_path / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"-- One row per thing.\n-- Grain: thing_id\n{text}", encoding="utf-8")
        model = read_model(path)
        models[model.name] = model
    order = ("core.things", "core.marked", "core.reds", "core.marks")

    def run(number: int, few_rows: int = 0) -> dict[str, str]:
        now = NOON + timedelta(hours=number)
        increments = Increments(connection, Question(now, now), number, models=models, few_rows=few_rows)
        hows = {name: increments.refresh(models[name]).how for name in order}
        increments.flush()
        return hows

    return run


def rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [row[0] for row in connection.sql(f"select thing_id from {name} order by all").fetchall()]


def test_rows_that_a_model_does_not_read_leave_it_alone(connection: duckdb.DuckDBPyConnection, turn: Turn) -> None:
    connection.execute("insert into core.given values ('a', 'red', '2026-01-01T00:00:00Z')")
    turn(1)
    connection.execute("insert into core.given values ('b', 'blue', '2026-01-01T00:00:00Z')")
    second = turn(2)
    assert second["core.things"] == "full"
    assert second["core.reds"] != "1 keys"
    connection.execute("insert into core.given values ('c', 'red', '2026-01-01T00:00:00Z')")
    assert turn(3)["core.reds"] == "1 keys"
    assert rows(connection, "core.reds") == ["a", "c"]


def test_a_row_that_is_no_longer_read_is_taken_out(connection: duckdb.DuckDBPyConnection, turn: Turn) -> None:
    connection.execute("insert into core.given values ('a', 'red', '2026-01-01T00:00:00Z')")
    turn(1)
    connection.execute("update core.given set color = 'blue'")
    turn(2)
    assert rows(connection, "core.reds") == []


def test_a_table_without_rows_is_left_alone_while_what_it_joins_has_none(
    connection: duckdb.DuckDBPyConnection, turn: Turn
) -> None:
    turn(1)
    connection.execute("insert into core.given values ('a', 'red', '2026-01-01T00:00:00Z')")
    assert turn(2)["core.marks"] == UNCHANGED
    connection.execute("insert into core.given_marks values ('a', 1)")
    turn(3)
    assert rows(connection, "core.marks") == ["a"]


def test_only_keys_that_can_have_rows_are_computed_and_those_that_could_before(
    connection: duckdb.DuckDBPyConnection, turn: Turn
) -> None:
    connection.execute("insert into core.given select 't' || i, 'red', '2026-01-01T00:00:00Z' from range(5) t(i)")
    connection.execute("insert into core.given_marks values ('t1', 1), ('t2', 0)")
    turn(1)
    connection.execute("update core.given set color = 'blue'")
    assert turn(2)["core.marks"] != "5 keys"
    assert rows(connection, "core.marks") == ["t1"]
    connection.execute("update core.given_marks set mark = 1 - mark")
    turn(3)
    assert rows(connection, "core.marks") == ["t2"]


def test_where_there_are_few_rows_all_are_computed_and_only_what_differs_is_written(
    connection: duckdb.DuckDBPyConnection, turn: Turn
) -> None:
    connection.execute("insert into core.given select 't' || i, 'red', '2026-01-01T00:00:00Z' from range(5) t(i)")
    turn(1, few_rows=100)
    connection.execute("update core.given set color = 'blue' where thing_id = 't3'")
    assert turn(2, few_rows=100)["core.reds"] == HAS_FEW_ROWS
    assert rows(connection, "core.reds") == ["t0", "t1", "t2", "t4"]
    assert rows(connection, "changes.core__reds") == ["t3"]
