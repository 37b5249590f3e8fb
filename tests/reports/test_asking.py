"""Questions about the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.home import Home
from pipeline.instants import parse_instant
from pipeline.sqlmodels.asking import SCOPE, WAREHOUSE, ask, read_stored
from pipeline.sqlmodels.graph import Graph, load_graph
from pipeline.sqlmodels.relations import Question
from resources.warehouse import open_for_reading, open_for_writing
from tests.cli.network import FIRST, SECOND, live, sync, write_network

T1, T2 = parse_instant(FIRST), parse_instant(SECOND)
COMPARED = (
    "freshness.positions",
    "freshness.version_lives",
    "core.access_events",
    "ops.data_late",
    "freshness.obligations",
    "freshness.acknowledgment_classes",
    "audit.verdicts",
    "audit.first_verdicts",
    "marts.outdated_holdings",
    "marts.kpis",
)
OF_A_PARTNER = ("freshness.positions", "freshness.obligations", "audit.deliveries_acknowledged", "freshness.evidence")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_graph()


@pytest.fixture(scope="module")
def after_one_turn(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("one")
    home = Home((folder / "home").resolve())
    sync(write_network(folder / "net"), home, FIRST)
    return home


@pytest.fixture
def connection(lived: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_for_reading(Home((lived / "home").resolve())) as opened:
        yield opened


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    return connection.sql(f"select * from {table} order by all").fetchall()


def test_the_question_of_now_is_answered_by_the_stored_tables(
    connection: duckdb.DuckDBPyConnection, graph: Graph
) -> None:
    ask(connection, graph, COMPARED, Question(T2, T2))
    for table in COMPARED:
        assert _rows(connection, table) == _rows(connection, f"{WAREHOUSE}.{table}")
    kinds = connection.sql("select distinct table_type from information_schema.tables where table_schema = 'freshness'")
    assert kinds.fetchall() != []


def test_what_was_known_then_is_what_was_stored_then(
    connection: duckdb.DuckDBPyConnection, graph: Graph, after_one_turn: Home
) -> None:
    ask(connection, graph, COMPARED, Question(T1, T1))
    with open_for_reading(after_one_turn) as then:
        for table in COMPARED:
            assert _rows(connection, table) == _rows(then, table), table


def test_an_edit_that_arrived_later_changes_new_answers_about_the_past(
    connection: duckdb.DuckDBPyConnection, graph: Graph
) -> None:
    instant = parse_instant("2026-01-25T00:00:00Z")
    asked = "select count(*) from freshness.positions where position = 'stale_in_grace'"
    ask(connection, graph, ["freshness.positions"], Question(instant, T2))
    assert connection.sql(asked).fetchall() == [(4,)]
    ask(connection, graph, ["freshness.positions"], Question(instant, T1))
    assert connection.sql(asked).fetchall() == [(0,)]
    assert connection.sql("select is_late from ops.data_late where claim = 'position'").fetchall() == [(True,)]


@pytest.mark.parametrize("known_at", [T1, T2])
@pytest.mark.parametrize("key", ["partner_id", "asset_id"])
def test_a_question_about_one_gets_of_it_what_a_question_about_all_gets(
    connection: duckdb.DuckDBPyConnection, graph: Graph, key: str, known_at: datetime
) -> None:
    question = Question(parse_instant("2026-01-25T00:00:00Z"), known_at)
    ask(connection, graph, OF_A_PARTNER, question)
    every = {table: _rows(connection, table) for table in OF_A_PARTNER}
    places = {table: connection.sql(f"select * from {table}").columns.index(key) for table in OF_A_PARTNER}
    named = sorted({row[places[OF_A_PARTNER[0]]] for row in every[OF_A_PARTNER[0]]})
    assert named
    for value in named:
        ask(connection, graph, OF_A_PARTNER, question, only={key: value})
        for table in OF_A_PARTNER:
            assert [row for row in _rows(connection, table) if row[places[table]] == value] == [
                row for row in every[table] if row[places[table]] == value
            ], table


def test_asking_leaves_the_warehouse_as_it_is(connection: duckdb.DuckDBPyConnection, graph: Graph) -> None:
    before = _rows(connection, f"{WAREHOUSE}.freshness.positions")
    ask(connection, graph, ["freshness.positions"], Question(T1, T1))
    assert connection.sql("select current_catalog()").fetchall() == [(SCOPE,)]
    connection.execute(f"use {WAREHOUSE}")
    assert _rows(connection, "freshness.positions") == before


def test_what_was_journalled_later_can_be_left_out(connection: duckdb.DuckDBPyConnection, graph: Graph) -> None:
    decided = connection.sql("select min(seq) from ledger.entries where kind = 'action_decided'").fetchall()[0][0]
    ask(connection, graph, ["sync.actions"], Question(T2, T2), last_seq=decided - 1)
    assert connection.sql("select count(*) from sync.actions").fetchall() == [(0,)]


def test_a_turn_that_was_killed_in_the_middle_is_not_read(tmp_path: Path, graph: Graph) -> None:
    live(tmp_path)
    home = Home((tmp_path / "home").resolve())
    with open_for_writing(home) as written:
        written.execute("update ops.models set turn_no = 3 where model = 'core.partners'")
        written.execute("delete from core.partners where partner_id = 'P0'")
    with open_for_reading(home) as connection:
        stored = read_stored(connection)
        assert stored is not None
        assert (stored.turn_no, stored.is_whole) == (2, False)
        ask(connection, graph, ["core.partners"], stored.question)
        assert connection.sql("select count(*) from core.partners").fetchall() == [(6,)]
