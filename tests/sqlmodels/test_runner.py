"""Running models: all or nothing, with the grain held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import ConfigurationError
from pipeline.home import Home
from pipeline.sqlmodels.increments import Increments, run_model
from pipeline.sqlmodels.model import read_model
from pipeline.sqlmodels.relations import Question
from pipeline.sqlmodels.runner import GrainError, existing_tables
from resources.budget import Budget
from resources.warehouse import open_in_memory

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUESTION = Question(NOON, NOON)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home(tmp_path / "home")
    home.make()
    with open_in_memory(home) as opened:
        opened.execute("create schema ops")
        opened.execute("create schema core")
        opened.execute("create table core.things (thing_id varchar, since timestamptz)")
        yield opened


def things(folder: Path, refresh: str = "full") -> Path:
    path = folder / "freshness" / "things.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"-- One row per thing.\n-- Grain: thing_id\n-- Refresh: {refresh}\n"
        "with things as (select * from core.things where since <= $as_of) select * from things",
        encoding="utf-8",
    )
    return path


def test_a_table_has_what_its_inputs_have_at_the_instant_asked_for(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute(
        "insert into core.things values ('a', '2026-03-02T12:00:00Z'), ('b', '2026-03-02T12:00:00.000001Z')"
    )
    result = run_model(connection, read_model(things(tmp_path)), QUESTION, 1)
    assert result.rows == 1
    assert result.columns == (("thing_id", "VARCHAR"), ("since", "TIMESTAMP WITH TIME ZONE"))
    assert existing_tables(connection) == {"freshness.things": 1}


@pytest.mark.parametrize("bad", ["('a', '2026-01-01T00:00:00Z')", "(null, '2026-01-01T00:00:00Z')"])
def test_a_broken_grain_leaves_the_old_table(tmp_path: Path, connection: duckdb.DuckDBPyConnection, bad: str) -> None:
    connection.execute("insert into core.things values ('a', '2026-01-01T00:00:00Z')")
    model = read_model(things(tmp_path))
    run_model(connection, model, QUESTION, 1)
    connection.execute(f"insert into core.things values {bad}")
    with pytest.raises(GrainError, match="thing_id="):
        run_model(connection, model, QUESTION, 2)
    assert connection.sql("select count(*) from freshness.things").fetchall() == [(1,)]
    assert connection.sql("select turn_no from ops.models").fetchall() == [(1,)]


def stored_plain(folder: Path, *columns: str) -> Path:
    path = things(folder)
    path.write_text(path.read_text().replace("-- Refresh", f"-- Stored plain: {', '.join(columns)}\n-- Refresh"))
    return path


def test_what_is_stored_plain_is_the_same_table(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into core.things values ('a', '2026-03-02T12:00:00Z'), ('b', '2027-01-01T00:00:00Z')")
    made = run_model(connection, read_model(things(tmp_path)), QUESTION, 1)
    rows = connection.sql("select * from freshness.things").fetchall()
    assert run_model(connection, read_model(stored_plain(tmp_path, "thing_id")), QUESTION, 2) == made
    assert connection.sql("select * from freshness.things").fetchall() == rows
    spelled = connection.sql("select sql from duckdb_tables() where schema_name = 'freshness'").fetchall()[0][0]
    assert spelled.count("COMPRESSION") == 1


def test_only_columns_that_are_there_can_be_stored_plain(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigurationError, match="things names columns that it does not have: colour"):
        run_model(connection, read_model(stored_plain(tmp_path, "thing_id", "colour")), QUESTION, 1)


def test_append_adds_what_is_new_and_leaves_the_rest(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    model = read_model(things(tmp_path, "append"))
    connection.execute("insert into core.things values ('a', '2026-01-01T00:00:00Z')")
    run_model(connection, model, QUESTION, 1)
    connection.execute("update core.things set since = '2025-01-01T00:00:00Z'")
    connection.execute("insert into core.things values ('b', '2026-01-01T00:00:00Z')")
    assert Increments(connection, QUESTION, 2).refresh(model).rows == 2
    kept = connection.sql("select since = '2026-01-01T00:00:00Z' from freshness.things where thing_id = 'a'").fetchall()
    assert kept == [(True,)]


def memory_mib(connection: duckdb.DuckDBPyConnection) -> float:
    size, unit = connection.sql("select current_setting('memory_limit')").fetchall()[0][0].split()
    return float(size) * {"MiB": 1, "GiB": 1024}[unit]


def test_memory_order_and_threads_are_all_that_can_be_set_later(connection: duckdb.DuckDBPyConnection) -> None:
    budget = Budget(connection)
    for _ in range(2):
        assert budget.within("staging", lambda: memory_mib(connection)) == pytest.approx(305, abs=1)
        assert budget.within("marts", lambda: memory_mib(connection)) == pytest.approx(3800, abs=20)
    # Another connection to the same warehouse sets a limit that all have.
    budget.spare_one_core().close()
    assert budget.within("marts", lambda: memory_mib(connection)) == pytest.approx(3800, abs=20)
    for setting in ("preserve_insertion_order = true", "threads = 1"):
        connection.execute(f"set {setting}")
    for setting in ("temp_directory = '/tmp'", "allowed_configs = ['threads']", "enable_external_access = true"):
        with pytest.raises(duckdb.Error, match="Cannot"):
            connection.execute(f"set {setting}")


def test_what_needs_more_memory_than_it_should_is_done_again_with_more(connection: duckdb.DuckDBPyConnection) -> None:
    found: list[float] = []

    def work() -> int:
        found.append(memory_mib(connection))
        if len(found) == 1:
            message = "full"
            raise duckdb.OutOfMemoryException(message)
        return len(found)

    budget = Budget(connection)
    assert budget.within("core", work) == 2
    assert found[0] < 600 < found[1]
    assert budget.within("core", lambda: memory_mib(connection)) < 600


def test_nothing_outside_the_home_can_be_read(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error, match="disabled by config"):
        connection.sql("select * from read_csv('/etc/passwd')").fetchall()
