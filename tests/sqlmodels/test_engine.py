"""What the engine once got wrong: sums beside a single row, which it took for sums of a single row.

DuckDB 2.0.0 takes rows that are joined with a single one (an aggregate, a scalar subquery) for one, derives how large
their sum can be from that, and answers these with 13 instead of 525, or leaves rows out. So the project asks for 2.0.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.home import Home
from resources.warehouse import open_in_memory

BESIDE = [
    "events where n = (select max(n) from turns)",
    "events where n >= (select n from turns)",
    "events join (select max(n) as last from turns) as one on events.n = one.last",
    "events left join (select max(n) as last from turns) as one on events.n = one.last",
    "(select max(n) as last from turns) as one left join events on events.n = one.last",
    "events cross join (select max(n) as last from turns) as one",
]
ASKED = [
    "select s, sum(f)::bigint as x from {beside} group by s order by s",
    "select s, 525 as x from {beside} group by s having sum(f) > 100 order by s",
    "select s, case when sum(f) > 100 then 525 end as x from {beside} group by s order by s",
    "select distinct s, x from (select s, sum(f)::bigint as x from {beside} group by s) order by s",
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = Home(tmp_path_factory.mktemp("home"))
    home.make()
    with open_in_memory(home) as connection:
        connection.execute("create table memory.main.turns as select 1 as n")
        connection.execute(
            "create table memory.main.events as"
            " select 1 as n, 's' || i % 3 as s, (15 + 5 * (i % 2))::bigint as f from range(90) as r(i)"
        )
        yield connection


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("asked", ASKED)
def test_a_sum_beside_a_single_row_is_the_sum(engine: Any, asked: str, beside: str) -> None:
    assert engine.sql(asked.format(beside=beside)).fetchall() == [("s0", 525), ("s1", 525), ("s2", 525)]
