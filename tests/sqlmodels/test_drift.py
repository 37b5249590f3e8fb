"""Drift: what a stream's records look like now and did not before; a finding as long as it lasts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.findings import journal_findings
from pipeline.ingest.landed import landed_chunks
from pipeline.ledger.turns import TURN_COMPLETED, Turn
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.relations import Landing
from tests.tables import GRAPH, Tables, open_tables

NAMES = GRAPH.left_of(["ops.drift"])


@dataclass
class Feed:
    """A folder that gets one more file of assets in each turn, and the tables kept up to date."""

    tables: Tables
    now: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)
    files: int = 0
    turn: Turn | None = field(default=None)

    def receive(self, *records: dict[str, Any], stream: str = "assets") -> list[str]:
        """Take a turn in which these arrive; return what is open then."""
        self.now += timedelta(hours=1)
        folder = self.tables.source / stream
        folder.mkdir(parents=True, exist_ok=True)
        if records:
            self.files += 1
            lines = "".join(json.dumps(record) + "\n" for record in records)
            (folder / f"{self.files}.ndjson").write_text(lines)
        self.turn = self.tables.pull(self.now)
        question = self.tables.lay(self.turn, self.now)
        landing = Landing.of(self.tables.home.landing.resolve(), landed_chunks(self.tables.journal))
        increments = Increments(self.tables.connection, question, self.turn.number, landing, GRAPH.models)
        for name in NAMES:
            increments.refresh(GRAPH.models[name])
        self.tables.journal.append([self.turn.draft(TURN_COMPLETED, {"turn": str(self.turn.number)})])
        return [row[0] for row in self.tables.rows("select finding_id from ops.drift order by 1")]


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    with open_tables(tmp_path) as tables:
        yield Feed(tables)


def asset(number: int, **more: Any) -> dict[str, Any]:
    return {"asset_id": f"a{number}", "title": "T", "status": "published", "own": "x", **more}


def test_records_that_look_as_before_open_nothing(feed: Feed) -> None:
    assert feed.receive(asset(1), asset(2)) == []
    assert feed.receive(asset(3)) == []
    assert feed.receive() == []


def test_a_field_that_nothing_reads_is_open_while_records_bring_it(feed: Feed) -> None:
    feed.receive(asset(1))
    assert feed.receive(asset(2, colour="red")) == ["new_field:field:assets.colour"]
    assert feed.receive() == ["new_field:field:assets.colour"]
    assert feed.receive(asset(3, colour={"of": "the", "deep": 1})) == [
        "new_field:field:assets.colour",
        "new_field:field:assets.colour.deep",
        "new_field:field:assets.colour.of",
        "retyped_field:field:assets.colour=object",
    ]
    assert feed.receive(asset(4)) == []


def test_a_field_that_is_read_may_appear_later(feed: Feed) -> None:
    feed.receive(asset(1))
    assert feed.receive(asset(2, deleted_at="2026-03-02T08:00:00Z")) == []


def test_a_field_that_every_record_had_is_missing_where_none_has_it(feed: Feed) -> None:
    feed.receive(asset(1), asset(2), asset(3, sku="s"))
    without = {name: value for name, value in asset(4).items() if name not in {"title", "own"}}
    assert feed.receive(without) == ["missing_field:field:assets.title"]
    assert feed.receive(asset(5)) == []


def test_a_field_of_another_kind_is_retyped_and_null_is_no_kind(feed: Feed) -> None:
    feed.receive(asset(1, sku="s1"))
    assert feed.receive(asset(2, sku=None)) == []
    assert feed.receive(asset(3, sku=17)) == ["retyped_field:field:assets.sku=number"]
    assert feed.receive(asset(4, sku="s4")) == []


def test_a_value_that_the_rules_do_not_know_is_told_from_the_first_turn_on(feed: Feed) -> None:
    many = [asset(number) for number in range(500)]
    assert feed.receive(*many, asset(501, status="parked")) == ["new_value:field:assets.status=parked"]
    assert feed.receive(asset(502)) == []


def test_what_a_person_has_looked_at_is_no_condition_any_more(feed: Feed) -> None:
    feed.receive(asset(1))
    (finding,) = feed.receive(asset(2, colour="red"))
    assert feed.turn is not None
    feed.tables.decide(feed.turn, {"decision_id": "d1", "kind": "review", "subject": finding})
    feed.receive(asset(3, colour="blue", size=1))
    assert feed.tables.rows("select finding_id, is_reviewed, since_at::varchar from ops.drift order by 1") == [
        (finding, True, "2026-03-02 10:00:00+00"),
        ("new_field:field:assets.size", False, "2026-03-02 11:00:00+00"),
    ]
    feed.tables.compute(feed.turn, feed.now, ["audit.network_conditions"])
    seen = "select finding_id, severity, detail from audit.network_conditions where subject_type = 'field'"
    assert feed.tables.rows(seen) == [
        ("new_field:field:assets.size", "warning", "records of assets have a field that nothing reads: size"),
    ]


def test_a_finding_of_drift_is_opened_once_and_closed_when_it_is_gone(feed: Feed) -> None:
    feed.receive(asset(1))
    for records in ([asset(2, colour="red")], [asset(3, colour="blue")], [asset(4)]):
        feed.receive(*records)
        assert feed.turn is not None
        feed.tables.connection.execute("create schema if not exists audit")
        feed.tables.connection.execute(
            "create or replace table audit.conditions as select finding_id, rule, severity, null as partner_id,"
            " null as asset_id, null as version_no, []::bigint[] as evidence, detail from ops.drift"
        )
        journal_findings(feed.tables.connection, feed.tables.journal, feed.turn)
    kinds = [entry.kind for entry in feed.tables.journal.entries(frozenset({"finding_opened", "finding_closed"}))]
    assert kinds == ["finding_opened", "finding_closed"]
