"""What is answered by the keys with which something happened between is what computing everything answers."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from pipeline.sqlmodels import between
from pipeline.sqlmodels.asking import ask
from pipeline.sqlmodels.relations import Question
from tests.reference.networks import random_network
from tests.sqlmodels.test_narrowing import lived
from tests.tables import GRAPH

TARGETS: Final = (
    "freshness.positions",
    "freshness.evidence",
    "freshness.versions_obtained",
    "freshness.acknowledgment_classes",
    "audit.deliveries_acknowledged",
    "sync.version_notices",
    "marts.notice_quality",
)
INSTANTS: Final = 3
LAID: Final[Counter[str]] = Counter()


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    columns = ", ".join(connection.sql(f"from warehouse.{table} limit 0").columns)
    return connection.sql(f"select {columns} from {table} order by all").fetchall()


def answers(
    connection: duckdb.DuckDBPyConnection, question: Question, patch: pytest.MonkeyPatch, large_rows: int
) -> dict[str, list[tuple[Any, ...]]]:
    patch.setattr(between, "LARGE_ROWS", large_rows)
    ask(connection, GRAPH, TARGETS, question)
    laid = connection.sql("select table_name from duckdb_tables() where schema_name = 'between'").fetchall()
    LAID.update(name for (name,) in laid if not name.endswith("__keys"))
    return {table: rows_of(connection, table) for table in TARGETS}


def hold_on_a_network(seed: int, folder: Path, patch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    network = random_network(rng, size="medium")
    patch.setattr(between, "MOST_SHARE", 10)
    with lived(network, folder, is_whole=True, targets=TARGETS) as (connection, turns):
        instants = [rng.choice(turns).as_of, *rng.sample(network.questions, min(INSTANTS, len(network.questions)))]
        for as_of in instants:
            question = Question(as_of, turns[-1].known_at)
            by_keys = answers(connection, question, patch, 0)
            whole = answers(connection, question, patch, 1_000_000_000)
            for table in TARGETS:
                assert by_keys[table] == whole[table], (question, table)


def test_it_is_answered_alike_at_earlier_and_later_instants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LAID.clear()
    for seed in range(2):
        hold_on_a_network(seed, tmp_path / str(seed), monkeypatch)
    assert {"freshness__evidence", "freshness__held_copies", "freshness__holdings"} <= LAID.keys()


@pytest.mark.chaos
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(8))
def test_it_is_on_very_many_networks(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(part * 1000, part * 1000 + int(os.environ.get("VIPGRID_CHAOS_STEPS", "400")) // 20):
        hold_on_a_network(seed, tmp_path / str(seed), monkeypatch)
