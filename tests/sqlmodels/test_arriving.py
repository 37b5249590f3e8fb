"""When so much arrives that a difference does not pay; and that a table which has few of many rows is no such case."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.sqlmodels.arriving import BULK_ROWS, MOSTLY_NEW, is_mostly_new
from pipeline.sqlmodels.model import Model, read_model
from pipeline.sqlmodels.versions import Record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPINE = "core.events_history"


@pytest.fixture
def corrections(tmp_path: Path) -> Model:
    path = tmp_path / "core" / "corrections.sql"
    path.parent.mkdir()
    path.write_text(
        f"-- One row per correction.\n-- Grain: event_id\n-- Refresh: by event_id\n-- Spine: {SPINE}\n"
        f"with events as (select * from {SPINE} where is_correction) select * from events",
        encoding="utf-8",
    )
    return read_model(path)


def noted(spine_rows: int, *, how: str, version: int = 2) -> Any:
    spine = Record(2, "", spine_rows, version, version - 1, NOON, how)
    return SimpleNamespace(records={SPINE: spine}, consumed={"core.corrections": {SPINE: "1"}})


def record(rows: int) -> Record:
    return Record(1, "", rows, 1, None, NOON, "full: first")


def test_a_table_that_has_none_of_many_rows_is_not_made_anew_for_a_few_more(corrections: Model) -> None:
    assert not is_mostly_new(corrections, record(0), noted(5 * BULK_ROWS, how="10000 keys"), None)


def test_a_table_that_follows_an_import_is_made_anew(corrections: Model) -> None:
    assert is_mostly_new(corrections, record(3), noted(5 * BULK_ROWS, how=MOSTLY_NEW), None)
    assert not is_mostly_new(corrections, record(3), noted(BULK_ROWS, how=MOSTLY_NEW), None)


def test_an_import_that_it_has_read_is_none_any_more(corrections: Model) -> None:
    assert not is_mostly_new(corrections, record(0), noted(5 * BULK_ROWS, how=MOSTLY_NEW, version=1), None)
