"""How late records come, and how far back a pull should look because of that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.landed import landed_chunks
from pipeline.instants import format_instant
from pipeline.ledger.turns import TURN_COMPLETED
from pipeline.publish import published_select
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.relations import Landing
from tests.tables import GRAPH, Tables, open_tables

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = GRAPH.left_of(["ops.lateness", "ops.streams"])


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    with open_tables(tmp_path) as opened:
        yield opened


def turn(tables: Tables, hours: int, ages: Sequence[timedelta]) -> None:
    """Take the turn of an hour in which downloads of these ages arrive, and bring the tables up to date."""
    now = START + timedelta(hours=hours)
    folder = tables.source / "access_events"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(event(f"{hours}-{n}", now - age)) + "\n" for n, age in enumerate(ages)]
    (folder / f"{hours}.ndjson").write_text("".join(lines))
    opened = tables.pull(now)
    question = tables.lay(opened, now)
    landing = Landing.of(tables.home.landing.resolve(), landed_chunks(tables.journal))
    increments = Increments(tables.connection, question, opened.number, landing, GRAPH.models)
    for name in NAMES:
        increments.refresh(GRAPH.models[name])
    tables.journal.append([opened.draft(TURN_COMPLETED, {"turn": str(opened.number)})])


def event(number: str, at: datetime) -> dict[str, Any]:
    stamp = format_instant(at)
    return {"event_id": number, "event_type": "opened", "asset_id": "a", "occurred_at": stamp, "recorded_at": stamp}


def lateness(tables: Tables, columns: str) -> tuple[Any, ...]:
    (row,) = tables.rows(f"select {columns} from ops.lateness where stream = 'access_events'")
    return row


def test_lags_are_measured_from_what_happened_and_a_backlog_is_not_counted(tables: Tables) -> None:
    turn(tables, 0, [timedelta(days=300)] * 50)
    assert tables.rows("select * from ops.lateness") == []
    turn(tables, 1, [timedelta(seconds=30)] * 90 + [timedelta(seconds=100)] * 8 + [timedelta(minutes=50)] * 2)
    found = (
        "measured_records, lag_p50_seconds, lag_p95_seconds, lag_p99_seconds, late_records, proposed_lookback_seconds"
    )
    assert lateness(tables, found) == (100, 30, 100, 3000, 0, None)


def test_what_the_turn_before_should_have_brought_is_late_and_proposes_the_lookback(tables: Tables) -> None:
    turn(tables, 0, [timedelta(hours=1)])
    turn(tables, 1, [timedelta(minutes=5)] * 10)
    turn(tables, 2, [timedelta(minutes=61)] + [timedelta(hours=4)] * 3 + [timedelta(minutes=10)] * 6)
    found = "late_records, most_late_seconds, proposed_lookback_seconds"
    assert lateness(tables, found) == (4, 3 * 3600, 6 * 3600)
    turn(tables, 3, [timedelta(days=3, hours=1)])
    assert lateness(tables, found) == (5, 3 * 86400, 4 * 86400)


def test_the_sums_that_turns_add_are_those_of_all_editions_at_once(tables: Tables) -> None:
    for hours in range(5):
        turn(tables, hours, [timedelta(minutes=7 * n * (hours + 1)) for n in range(40)])
    kept = tables.rows("select * from ops.lags order by all")
    assert len(kept) > 50
    tables.connection.execute(f"create or replace table anew as {GRAPH.models['ops.lags'].text}")
    assert tables.rows("select * from anew order by all") == kept


def test_streams_are_published_with_their_lateness(tables: Tables) -> None:
    turn(tables, 0, [timedelta(hours=1)])
    turn(tables, 1, [timedelta(minutes=5)])
    query = published_select(GRAPH.models["ops.streams"])
    rows = tables.rows(f"select lag_p95_seconds, watermark is not null from ({query}) where stream = 'access_events'")
    assert rows == [(300, True)]
