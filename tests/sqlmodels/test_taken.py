"""What is at hand of large tables: rows of the keys that were looked for when a table was looked through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.home import Home
from pipeline.sqlmodels import taken as taken_module
from pipeline.sqlmodels.taken import Taken
from pipeline.sqlmodels.versions import Record, Versions
from resources.warehouse import open_in_memory

KEYS = ("partner_id", "asset_id")
SAME = {key: key for key in KEYS}
NOTHING = (
    "select null::varchar as change, null::boolean as is_new, null::bigint as old_place, * from core.pairs limit 0"
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_in_memory(Home(tmp_path)) as opened:
        opened.execute("create schema core")
        opened.execute(
            "create table core.pairs as select 'P' || i % 10 as partner_id, case when i % 7 > 0 then 'A' || i // 10 end"
            " as asset_id, i as n from range(100) t(i)"
        )
        opened.execute("create table core.others as select * from core.pairs")
        yield opened


@pytest.fixture
def taken(connection: duckdb.DuckDBPyConnection) -> Taken:
    versions = Versions(connection)
    for name in ("core.pairs", "core.others"):
        versions.records[name] = Record(1, "", 100, 1, None, datetime(2026, 3, 2, tzinfo=UTC), "")
    return Taken(connection, versions, "scope", large_rows=1)


def look_through(taken: Taken, name: str, *selects: str, difference: str = NOTHING) -> str:
    found = taken.with_places(f"memory.{name}", KEYS, selects)
    taken.connection.execute(f"create or replace temp table difference as {difference}")
    taken.follow(name, KEYS)
    return found


def keys_of(numbers: str) -> str:
    return f"select partner_id, asset_id from core.pairs where n in ({numbers})"


def numbers_of(taken: Taken, name: str, numbers: str) -> list[Any] | None:
    rows = taken.rows(name, SAME, keys_of(numbers))
    return None if rows is None else [row[0] for row in taken.connection.execute(f"select n from {rows}").fetchall()]


def test_rows_are_found_where_they_are_and_a_missing_key_is_one_too(taken: Taken) -> None:
    found = look_through(taken, "core.pairs", keys_of("3, 7, 50"))
    places = taken.connection.execute(f"select old_place, n from {found} order by n").fetchall()
    assert places == [(3, 3), (7, 7), (50, 50), (77, 77)]
    assert numbers_of(taken, "core.pairs", "7") is not None
    assert numbers_of(taken, "core.pairs", "7, 8") is None


def test_keys_that_were_looked_for_in_another_table_are_looked_for_in_the_next(taken: Taken) -> None:
    look_through(taken, "core.pairs", keys_of("3"))
    look_through(taken, "core.others", keys_of("4"), keys_of("5"))
    assert sorted(numbers_of(taken, "core.others", "3, 4, 5") or []) == [3, 4, 5]
    assert numbers_of(taken, "core.pairs", "3") == [3]
    assert numbers_of(taken, "core.pairs", "4") is None


def test_what_changed_since_is_at_hand_as_it_is_now(taken: Taken) -> None:
    gone = "select '-' as change, false as is_new, rowid as old_place, * from core.pairs where n = 3"
    come = "select '+' as change, false as is_new, null::bigint as old_place, 'P3' as partner_id, 'A0' as asset_id, 103"
    look_through(taken, "core.pairs", keys_of("3, 4"), difference=f"{gone} union all {come}")
    assert sorted(numbers_of(taken, "core.pairs", "3, 4") or []) == [4, 103]


def test_of_a_table_that_was_written_again_nothing_is_at_hand(taken: Taken) -> None:
    look_through(taken, "core.pairs", keys_of("3"))
    taken.versions.records["core.pairs"] = Record(1, "", 100, 2, None, datetime(2026, 3, 2, tzinfo=UTC), "")
    assert numbers_of(taken, "core.pairs", "3") is None


def test_where_the_keys_become_too_many_only_the_last_are_looked_for(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken_module, "MOST_KEYS", 3)
    look_through(taken, "core.pairs", keys_of("3, 4"))
    look_through(taken, "core.others", keys_of("5, 6"))
    assert sorted(numbers_of(taken, "core.others", "5, 6") or []) == [5, 6]
    assert numbers_of(taken, "core.others", "3") is None
    assert numbers_of(taken, "core.pairs", "3") is None
