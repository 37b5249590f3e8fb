"""The journal as a relation: only what is new is read, and another file is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipeline.home import Home
from pipeline.sqlmodels.journalled import give_ledger
from resources.warehouse import open_in_memory


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_in_memory(home) as opened:
        yield opened


def lines(first: int, end: int, actor: str = "tester") -> str:
    entry = {"v": "1", "kind": "decision", "known_at": "2026-03-02T08:00:00Z", "actor": actor, "run_id": "r"}
    return "".join(
        json.dumps({**entry, "source_id": f"{number}", "data": {"said": "größer\n"}}) + "\n"
        for number in range(first, end)
    )


def held(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    return connection.sql("select seq, source_id, actor from ledger.entries order by seq").fetchall()


def expected(count: int, actor: str = "tester") -> list[tuple[int, str, str]]:
    return [(number, str(number), actor) for number in range(count)]


def test_without_a_journal_there_are_no_entries(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    give_ledger(connection, home.ledger / "journal.ndjson")
    assert held(connection) == []


def test_what_was_appended_is_read_and_nothing_twice(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    journal = home.ledger / "journal.ndjson"
    for size in (0, 3, 3, 4, 90):
        journal.write_text(lines(0, size), encoding="utf-8")
        give_ledger(connection, journal)
        assert held(connection) == expected(size)
    assert [path.name for path in home.ledger.iterdir()] == ["journal.ndjson"]


def test_entries_that_were_read_are_not_read_again(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    journal = home.ledger / "journal.ndjson"
    journal.write_text(lines(0, 200), encoding="utf-8")
    give_ledger(connection, journal)
    connection.execute("update ledger.entries set actor = 'as read' where seq = 0")
    journal.write_text(lines(0, 201), encoding="utf-8")
    give_ledger(connection, journal)
    assert held(connection) == [(0, "0", "as read"), *expected(201)[1:]]


@pytest.mark.parametrize("other", [lines(0, 150), lines(0, 250, "somebody else"), ""])
def test_another_journal_is_read_from_its_beginning(
    home: Home, connection: duckdb.DuckDBPyConnection, other: str
) -> None:
    journal = home.ledger / "journal.ndjson"
    journal.write_text(lines(0, 200), encoding="utf-8")
    give_ledger(connection, journal)
    journal.write_text(other, encoding="utf-8")
    give_ledger(connection, journal)
    assert held(connection) == [
        (number, str(number), json.loads(line)["actor"]) for number, line in enumerate(other.splitlines())
    ]


def test_a_line_that_cannot_be_read_leaves_what_was_there(home: Home, connection: duckdb.DuckDBPyConnection) -> None:
    journal = home.ledger / "journal.ndjson"
    journal.write_text(lines(0, 2), encoding="utf-8")
    give_ledger(connection, journal)
    journal.write_text(lines(0, 2) + "no entry\n", encoding="utf-8")
    with pytest.raises(duckdb.Error):
        give_ledger(connection, journal)
    assert held(connection) == expected(2)
