"""First tables without rows are made many at once, and are what they would be one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.ingest.landed import landed_chunks
from pipeline.sqlmodels.graph import LEDGER_STEPS
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.relations import Landing
from tests.tables import GRAPH, Tables, open_tables

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = [name for name in GRAPH.order if name not in LEDGER_STEPS]


def increments_of(tables: Tables, *, gathers_empty: bool) -> Increments:
    folder = tables.source / "partners"
    folder.mkdir(parents=True)
    (folder / "1.ndjson").write_text('{"partner_id": "p1", "name": "P", "region": "DE", "timezone": "Europe/Berlin"}\n')
    turn = tables.pull(NOW)
    question = tables.lay(turn, NOW)
    landing = Landing.of(tables.home.landing.resolve(), landed_chunks(tables.journal))
    return Increments(
        tables.connection, question, turn.number, landing, GRAPH.models, gathers_empty=gathers_empty
    )  # fmt: skip


def state(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    columns = (
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_catalog() and not internal order by all"
    )
    rows = "select schema_name, table_name, estimated_size from duckdb_tables() where database_name = current_catalog()"
    notes = "select * exclude (as_of) from ops.models order by model"
    return {text: connection.sql(text).fetchall() for text in (columns, f"{rows} order by all", notes)}


def test_gathered_they_are_the_same_tables_with_the_same_notes(tmp_path: Path) -> None:
    found = []
    for gathers in (False, True):
        with open_tables(tmp_path / str(gathers)) as tables:
            increments = increments_of(tables, gathers_empty=gathers)
            results = [increments.refresh(GRAPH.models[name]) for name in NAMES]
            increments.flush()
            found.append((results, state(tables.connection)))
    assert found[0] == found[1]
    assert sum(result.rows == 0 for result in found[0][0]) > 100


def test_until_they_are_settled_they_are_nobody_elses(tmp_path: Path) -> None:
    with open_tables(tmp_path) as tables:
        increments = increments_of(tables, gathers_empty=True)
        beside = tables.connection.cursor()
        increments.refresh(GRAPH.models["staging.assets"])
        with pytest.raises(duckdb.CatalogException):
            beside.sql("from staging.assets")
        # One with rows is committed by itself, and what waited before it.
        assert increments.refresh(GRAPH.models["staging.partners"]).rows == 1
        assert beside.sql(
            "select (select count(*) from staging.assets), (select count(*) from staging.partners)"
        ).fetchall() == [(0, 1)]
        increments.refresh(GRAPH.models["staging.grants"])
        increments.settle()
        assert beside.sql("select model from ops.models where model = 'staging.grants'").fetchall()


def test_what_cannot_be_made_leaves_those_that_wait(tmp_path: Path) -> None:
    with open_tables(tmp_path) as tables:
        increments = increments_of(tables, gathers_empty=True)
        increments.refresh(GRAPH.models["staging.assets"])
        model = GRAPH.models["staging.grants"]
        wrong = replace(model, text=model.text.replace("select * from typed", "select no_column from typed"))
        with pytest.raises(duckdb.Error, match="no_column"):
            increments.refresh(wrong)
        increments.flush()
        assert tables.rows("select model from ops.models") == [("staging.assets",)]
        assert increments.refresh(model).rows == 0
