"""What a SELECT's text says about having no rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

from pipeline.home import Home
from pipeline.sqlmodels.emptiness import has_no_rows, read_emptiness
from resources.warehouse import open_in_memory

TABLES = ("core.a", "core.b", "core.c")
SELECTS = (
    "select * from core.a",
    "select 1 as x",
    "select count(*) as x from core.a",
    "select x, count(*) as n from core.a group by x",
    "select x, count(*) as n from core.a group by grouping sets ((x), ())",
    "select x, count(*) as n from core.a group by rollup (x)",
    "select x, count(*) over () as n from core.a",
    "select sum(count(*)) over () as n from core.a",
    "select product(x) as n from core.a",
    "select a.x from core.a as a inner join core.b as b on a.x = b.x",
    "select a.x from core.a as a, core.b as b",
    "select a.x from core.a as a semi join core.b as b on a.x = b.x",
    "select a.x from core.a as a left join core.b as b on a.x = b.x",
    "select a.x from core.a as a anti join core.b as b on a.x = b.x",
    "select b.x from core.a as a right join core.b as b on a.x = b.x",
    "select b.x from core.a as a full join core.b as b on a.x = b.x",
    "select x from core.a union all select x from core.b",
    "select x from core.a union all by name select 7 as x",
    "select x from core.a except select x from core.b",
    "with b as (select * from core.a union all select * from core.b) select c.x from b join core.c as c on b.x = c.x",
    "with recursive r as (select 1 as x union all select x + 1 from r where x < 3) select r.x from r",
    "select s.x from (select max(x) as x from core.a) s",
    "select (select max(x) from core.b) as x from core.a",
    "select a.x from core.a as a positional join core.b as b",
)


@pytest.mark.parametrize("select", SELECTS)
def test_what_is_said_to_have_no_rows_has_none(tmp_path: Path, select: str) -> None:
    emptiness = read_emptiness(sqlglot.parse_one(select, read="duckdb"))
    home = Home(tmp_path)
    home.make()
    with open_in_memory(home) as connection:
        connection.execute("create schema core")
        for mask in range(2 ** len(TABLES)):
            empty = [table for place, table in enumerate(TABLES) if mask & 2**place]
            for table in TABLES:
                rows = 0 if table in empty else 2
                connection.execute(f"create or replace table {table} as select i as x from range({rows}) t(i)")
            if has_no_rows(emptiness, empty):
                assert connection.execute(select).fetchall() == [], empty


@pytest.mark.parametrize(
    ("select", "empty", "is_told"),
    [
        ("select a.x from core.a as a inner join core.b as b on a.x = b.x", {"core.b"}, True),
        ("select a.x from core.a as a left join core.b as b on a.x = b.x", {"core.b"}, False),
        ("select x from core.a union all select x from core.b", {"core.a"}, False),
        ("select x from core.a union all select x from core.b", {"core.a", "core.b"}, True),
        ("with a as (select * from core.a) select x, count(*) as n from a group by x", {"core.a"}, True),
    ],
)
def test_joins_need_every_side_and_unions_any(select: str, empty: set[str], is_told: bool) -> None:
    assert has_no_rows(read_emptiness(sqlglot.parse_one(select, read="duckdb")), empty) is is_told
