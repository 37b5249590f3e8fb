"""Every column that is told is one of some table, and what people ask for most is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from pipeline.ledger.turns import open_turn
from pipeline.sqlmodels.columns import column_descriptions
from tests.tables import GRAPH, open_tables

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
ASKED_MOST: Final = ("freshness.positions", "marts.kpis", "audit.trail", "freshness.obligations")


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folder: Path = tmp_path_factory.mktemp("tables")
    with open_tables(folder) as tables:
        tables.compute(open_turn(tables.journal, NOW, NOW), NOW, sorted(GRAPH.models))
        rows = tables.connection.sql(
            "select table_schema || '.' || table_name, list(column_name) from information_schema.columns group by all"
        ).fetchall()
    return {name: set(own) for name, own in rows}


def test_whatever_is_told_is_a_column(columns: dict[str, set[str]]) -> None:
    assert set(column_descriptions()) <= set().union(*columns.values())


def test_each_is_told_in_one_sentence() -> None:
    for name, said in column_descriptions().items():
        assert said.endswith("."), name
        assert "\n" not in said


@pytest.mark.parametrize("table", ASKED_MOST)
def test_most_columns_of_what_is_asked_most_are_told(columns: dict[str, set[str]], table: str) -> None:
    untold = columns[table] - set(column_descriptions())

    assert len(untold) <= len(columns[table]) // 2, sorted(untold)
