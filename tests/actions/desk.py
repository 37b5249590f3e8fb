"""Partners' requests against two systems that remember: given rows, the real models, the real outbox and dispatcher.

Belongs here: Trading Grid and VIP as rows that writes change, and turns that go on. Does not belong here: what a test
asserts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.actions.book import Book
from pipeline.actions.desired import DesiredOutcome, decide_desired
from pipeline.actions.dispatch import DispatchOutcome, dispatch
from pipeline.actions.pace import Patience
from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.home import Home
from pipeline.ledger.journal import Entry, Journal
from pipeline.ledger.turns import Turn, open_turn
from pipeline.settings import Settings
from pipeline.sqlmodels.graph import SQL_FOLDER
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.model import Model, read_model
from pipeline.sqlmodels.relations import Question, give_question, give_settings
from pipeline.sqlmodels.runner import check_grain, create_table
from resources.warehouse import open_in_memory
from tests.actions.remote import FakeWaiter

START: Final = datetime(2026, 3, 10, 8, tzinfo=UTC)
EVER: Final = START - timedelta(days=999)
AN_HOUR: Final = timedelta(hours=1)
MODELS: Final = (
    "sync.asset_names",
    "sync.partner_names",
    "sync.earlier_actions",
    "sync.request_states",
    "sync.request_mentions",
    "sync.request_scores",
    "sync.request_matches",
    "sync.request_fulfilments",
    "sync.request_wordings",
    "sync.request_comments",
    "sync.request_actions",
    "sync.request_notices",
    "sync.action_feeds",
    "sync.desired_actions",
)
FOLDS: Final = ("ops.turns", "sync.actions", "sync.action_rechecks")
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "core.requests": {
        "request_id": "varchar", "partner_id": "varchar", "asset_id": "varchar", "source_asset_id": "varchar",
        "asset_query": "varchar", "territory": "varchar", "needed_by": "timestamptz", "status": "varchar",
        "created_at": "timestamptz", "updated_at": "timestamptz", "known_at": "timestamptz",
    },
    "core.request_events": {
        "event_id": "varchar", "request_id": "varchar", "from_status": "varchar", "to_status": "varchar",
        "actor": "varchar", "occurred_at": "timestamptz", "known_at": "timestamptz",
    },
    "core.comments": {
        "comment_id": "varchar", "thread_type": "varchar", "thread_id": "varchar", "partner_id": "varchar",
        "body": "varchar", "visibility": "varchar", "created_at": "timestamptz", "redacted_at": "timestamptz",
    },
    "core.deliveries": {
        "delivery_id": "varchar", "partner_id": "varchar", "asset_id": "varchar", "version_no": "bigint",
        "request_id": "varchar", "package_id": "varchar", "channel": "varchar", "status": "varchar",
        "status_at": "timestamptz", "created_at": "timestamptz", "known_at": "timestamptz",
    },
    "freshness.delivered": {"delivery_id": "varchar", "delivered_at": "timestamptz"},
    "freshness.entitlements": {"partner_id": "varchar", "asset_id": "varchar", "entitled": "boolean"},
    "freshness.version_lives": {
        "region": "varchar", "zone": "varchar", "asset_id": "varchar", "version_no": "bigint",
        "effective_at": "timestamptz", "ended_at": "timestamptz",
    },
    "freshness.version_terms": {
        "region": "varchar", "zone": "varchar", "asset_id": "varchar", "version_no": "bigint",
        "approval_status": "varchar", "is_barred": "boolean", "effective_at": "timestamptz",
        "withdrawn_from": "timestamptz", "expires_at": "timestamptz",
    },
    "core.partners": {
        "partner_id": "varchar", "region": "varchar", "zone": "varchar", "locale": "varchar", "status": "varchar",
        "gone_from": "timestamptz", "deleted_at": "timestamptz",
    },
    "core.assets": {
        "asset_id": "varchar", "title": "varchar", "sku": "varchar", "brand": "varchar", "product_line": "varchar",
        "asset_type": "varchar", "locale": "varchar", "classification": "varchar", "owner": "varchar",
        "deleted_at": "timestamptz",
    },
    "core.asset_versions": {"asset_id": "varchar", "version_no": "bigint", "restricted_regions": "varchar[]"},
    "core.group_members": {"group_id": "varchar", "partner_id": "varchar", "left_at": "timestamptz"},
    "core.identities": {
        "entity": "varchar", "source_id": "varchar", "target_id": "varchar", "holds_from": "timestamptz",
        "holds_until": "timestamptz",
    },
    "core.issue_events": {
        "event_id": "varchar", "issue_id": "varchar", "to_status": "varchar", "known_at": "timestamptz",
    },
    "core.campaign_tasks": {"task_id": "varchar", "status": "varchar"},
    "core.reviews": {"review_id": "varchar", "issue_id": "varchar", "status": "varchar", "known_at": "timestamptz"},
    "core.notices": {"notice_id": "varchar", "retracted_at": "timestamptz"},
    "ops.streams": {"stream": "varchar", "watermark": "timestamptz", "tolerance_seconds": "bigint"},
    "sync.notice_rechecks": {
        "action_key": "varchar", "verdict": "varchar", "reason": "varchar", "remote_id": "varchar",
    },
}  # fmt: skip
P1, A1 = "P1", "A1"


@cache
def read(name: str) -> Model:
    """Read a model once."""
    floor, _, table = name.partition(".")
    return read_model(SQL_FOLDER / floor / f"{table}.sql")


@dataclass
class Desk:
    """Partner P1 in DE-BY, which may have A1 and A2 (both tonics); version 1 of each is live."""

    connection: duckdb.DuckDBPyConnection
    journal: Journal
    settings: Settings
    turn: Turn
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in TABLES})
    plan: list[Result] = field(default_factory=list)
    sent: list[Effect] = field(default_factory=list)
    given: Settings | None = None

    def add(self, table: str, **columns: Any) -> dict[str, Any]:
        """Add a row; what is not said is null."""
        row = dict.fromkeys(TABLES[table]) | columns
        self.rows[table].append(row)
        return row

    def asset(self, asset_id: str, title: str, *, is_entitled: bool = True, **more: Any) -> None:
        """Add an asset with one live version."""
        self.add("core.assets", asset_id=asset_id, title=title, classification="standard", **more)
        if is_entitled:
            self.add("freshness.entitlements", partner_id=P1, asset_id=asset_id, entitled=True)
        self.version(asset_id, 1, START - timedelta(days=9))

    def version(self, asset_id: str, version_no: int, since: datetime) -> None:
        """Let a version live from an instant on; the one before ends there."""
        for life in self.rows["freshness.version_lives"]:
            if life["asset_id"] == asset_id and life["ended_at"] is None:
                life["ended_at"] = since
        place = {"region": "DE-BY", "zone": "Europe/Berlin", "asset_id": asset_id, "version_no": version_no}
        self.add("freshness.version_lives", **place, effective_at=since)
        self.add("freshness.version_terms", **place, effective_at=since, approval_status="approved", is_barred=False)
        self.add("core.asset_versions", asset_id=asset_id, version_no=version_no, restricted_regions=[])

    def withdraw(self, asset_id: str = A1) -> None:
        """End what lives of an asset."""
        for table, column in (("freshness.version_lives", "ended_at"), ("freshness.version_terms", "withdrawn_from")):
            for row in self.rows[table]:
                row[column] = self.turn.now if row["asset_id"] == asset_id else row[column]

    def request(self, request_id: str = "RQ-1", **columns: Any) -> None:
        """A partner asks: for A1 by its id, unless it is said otherwise."""
        asked = {"asset_id": A1, "source_asset_id": A1} if "asset_query" not in columns else {}
        at = self.turn.now - timedelta(minutes=30)
        named = {"request_id": request_id, "partner_id": P1}
        row = named | asked | {"created_at": at, "updated_at": at, "known_at": self.turn.now, "status": "new"}
        self.add("core.requests", **(row | columns))
        self._step(request_id, None, "new", "partner", at)

    def move(self, to_status: str, request_id: str = "RQ-1", actor: str = "partner") -> None:
        """Somebody else moves a request, a little before the next turn."""
        self._move(request_id, to_status, actor, self.turn.now - timedelta(minutes=5))

    def comment(self, body: str, request_id: str = "RQ-1", **columns: Any) -> None:
        """The partner says something in the thread, a little before the next turn."""
        row = {"thread_type": "request", "thread_id": request_id, "partner_id": P1, "visibility": "public"}
        row |= {"comment_id": f"C{len(self.rows['core.comments'])}", "body": body}
        self.add("core.comments", **(row | {"created_at": self.turn.now - timedelta(minutes=6)} | columns))

    def delivery(self, status: str, **columns: Any) -> None:
        """Let the last delivery come to something, a little before the next turn."""
        at = self.turn.now - timedelta(minutes=5)
        last = self.rows["core.deliveries"][-1]
        last |= {"status": status, "status_at": at, "known_at": self.turn.now} | columns
        if status in {"delivered", "picked_up"}:
            self.add("freshness.delivered", delivery_id=last["delivery_id"], delivered_at=at)

    def compute(self) -> None:
        """Compute the models up to the decision."""
        for table, columns in TABLES.items():
            self._fill(table, columns)
        if self.given is not self.settings:
            give_settings(self.connection, self.settings, self.question, START)
            self.given = self.settings
        give_question(self.connection, self.question)
        self.connection.execute("create schema if not exists sync")
        self._run(MODELS[:-1])
        for pattern in ("issue", "rights", "campaign"):
            self.connection.execute(
                f"create or replace table sync.{pattern}_actions as from sync.request_actions limit 0"
            )
        self._run(MODELS[-1:])

    def decide(self) -> DesiredOutcome:
        """Compute and decide."""
        self.compute()
        book = Book(self.journal)
        return decide_desired(self.connection, book, self.turn, self.settings, active_partners=10)

    def carry_out(self) -> DispatchOutcome:
        """Fold what was decided, and dispatch."""
        self._run(FOLDS)
        return dispatch(
            self.connection,
            self.journal,
            self.turn,
            self.settings,
            {"trading_grid": self, "vip": self},
            waiter=FakeWaiter(),
            patience=Patience(total_seconds=0),
            dice=random.Random(1),
        )

    def go_on(self, turns: int = 1, after: timedelta = AN_HOUR) -> list[str]:
        """Live through turns; return the steps of what was sent, in order."""
        before = len(self.sent)
        for _ in range(turns):
            self.decide()
            self.carry_out()
            self.pass_time(after)
        return [self._named(effect) for effect in self.sent[before:]]

    def pass_time(self, after: timedelta = AN_HOUR) -> None:
        """Go on to the next turn; every feed is whole up to then."""
        now = self.turn.now + after
        self.turn = open_turn(self.journal, now, now)
        for stream in self.rows["ops.streams"]:
            stream["watermark"] = now

    def status(self, request_id: str = "RQ-1") -> str:
        """Return what Trading Grid shows."""
        return str(next(r["status"] for r in self.rows["core.requests"] if r["request_id"] == request_id))

    def entries(self, *kinds: str) -> list[Entry]:
        """Return the journal's entries of these kinds."""
        return list(self.journal.entries(frozenset(kinds)))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        found: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
        return found

    @property
    def comments_sent(self) -> list[str]:
        """What was told along with the moves, in order."""
        return [str(effect.payload["comment"]) for effect in self.sent if "comment" in effect.payload]

    @property
    def question(self) -> Question:
        """Now."""
        return Question(self.turn.now, self.turn.known_at)

    def list_of(self, operation: str) -> Listing | None:
        """Only deliveries are listed by key."""
        return Listing("deliveries") if operation == "create_delivery" else None

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the deliveries that are there."""
        assert listing.name == "deliveries"
        known = {row["delivery_id"] for row in self.rows["core.deliveries"]}
        return {key: f"D-{key}" for key in keys if f"D-{key}" in known}

    def post(self, effect: Effect) -> Outcome:
        """Have the effect, unless the plan says otherwise: unknown is without the effect, contested with it."""
        planned = self.plan.pop(0) if self.plan else Result.ACCEPTED
        if planned in {Result.UNKNOWN, Result.TRANSIENT, Result.REJECTED}:
            return Outcome(result=planned, error="as planned")
        self.sent.append(effect)
        json.dumps(effect.payload)
        remote_id = self._deliver(effect) if effect.operation == "create_delivery" else self._moved(effect)
        if planned is Result.CONTESTED:
            return Outcome(result=Result.UNKNOWN, error="no answer in time")
        return Outcome(result=Result.ACCEPTED, remote_id=remote_id)

    def _deliver(self, effect: Effect) -> str:
        payload = effect.payload
        now = self.turn.now + timedelta(minutes=1)
        row = {"delivery_id": f"D-{effect.key}", "partner_id": P1, "asset_id": payload["asset_id"]}
        row |= {"version_no": int(payload["version_no"]), "request_id": payload["request_id"], "status": "queued"}
        row |= {"channel": payload["channel"], "status_at": now, "created_at": now, "known_at": self.turn.now + AN_HOUR}
        self.add("core.deliveries", **row)
        return f"D-{effect.key}"

    def _moved(self, effect: Effect) -> str:
        request_id = str(effect.payload["request_id"])
        self._move(request_id, str(effect.payload["to_status"]), "api:vipgrid", self.turn.now + timedelta(minutes=1))
        return request_id

    def _move(self, request_id: str, to_status: str, actor: str, at: datetime) -> None:
        row = next(r for r in self.rows["core.requests"] if r["request_id"] == request_id)
        self._step(request_id, row["status"], to_status, actor, at)
        row |= {"status": to_status, "updated_at": at}

    def _step(self, request_id: str, before: str | None, after: str, actor: str, at: datetime) -> None:
        number = len(self.rows["core.request_events"])
        row = {"event_id": f"E{number:03}", "request_id": request_id, "from_status": before, "to_status": after}
        known_at = max(at, self.turn.now) + (AN_HOUR if at > self.turn.now else timedelta())
        self.add("core.request_events", **row, actor=actor, occurred_at=at, known_at=known_at)

    def _named(self, effect: Effect) -> str:
        payload = effect.payload
        if effect.operation == "create_delivery":
            return f"delivery {payload['asset_id']} v{payload['version_no']} {payload['channel']}"
        return str(payload["to_status"])

    def _fill(self, table: str, columns: Mapping[str, str]) -> None:
        self.connection.execute(f"create schema if not exists {table.partition('.')[0]}")
        shape = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.connection.execute(f"create or replace table {table} ({shape})")
        rows = [[row[name] for name in columns] for row in self.rows[table]]
        if rows:
            marks = ", ".join("?" for _ in columns)
            self.connection.executemany(f"insert into {table} values ({marks})", rows)

    def _run(self, names: Sequence[str]) -> None:
        give_ledger(self.connection, self.journal.path)
        for name in names:
            create_table(self.connection, read(name), self.question)
            check_grain(self.connection, read(name))


@contextmanager
def open_desk(folder: Path, *, notices: Mapping[str, Any] | None = None, **fulfilment: Any) -> Iterator[Desk]:
    """Make the usual desk; ``fulfilment`` is the configuration's section of that name."""
    home = Home(folder)
    home.make()
    journal = Journal(home.ledger)
    with open_in_memory(home) as connection:
        settings = Settings.model_validate(
            {
                "connections": {},
                "notices": {"approve_above": {"partners": 100, "share": 1.0}} | dict(notices or {}),
                "fulfilment": {"enabled": True} | fulfilment,
            }
        )
        desk = Desk(connection, journal, settings, open_turn(journal, START, START))
        desk.add("core.partners", partner_id=P1, region="DE-BY", zone="Europe/Berlin", status="active")
        desk.add(
            "core.identities",
            entity="partner",
            source_id="V-P1",
            target_id=P1,
            holds_from=EVER,
            holds_until=START + timedelta(days=999),
        )
        for asset_id, title, sku in (
            (A1, "Alpenglow Dry Tonic", "ALP-0301"),
            ("A2", "Alpenglow Pink Tonic", "ALP-0302"),
        ):
            desk.asset(asset_id, title, sku=sku, brand="Alpenglow", asset_type="allergen_sheet")
        for stream in ("requests", "asset_versions", "deliveries"):
            desk.add("ops.streams", stream=stream, watermark=START, tolerance_seconds=900)
        yield desk


def on_its_way(desk: Desk, **request: Any) -> None:
    """Bring a request as far as its delivery being on its way."""
    desk.request(**request)
    assert desk.go_on(3) == ["accepted", "in_progress", "delivery A1 v1 portal"]


def denial(desk: Desk) -> str:
    """Take one turn, which denies the request; return the rule."""
    assert desk.go_on() == ["denied"]
    assert desk.status() == "denied"
    return str(desk.entries("action_decided")[-1].data["rule"])
