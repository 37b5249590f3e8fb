"""Two systems in miniature for the tests of the exception loop: records that change, servers that do as they are asked.

Belongs here: writing the records down, computing a turn's desired actions from them, and what each system makes of an
action. Does not belong here: what a test asserts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.ingest.landed import landed_chunks
from pipeline.ledger.turns import Turn
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Question, give_landing, give_question
from pipeline.sqlmodels.runner import check_grain, create_table
from pipeline.streams import STREAMS
from tests.tables import GRAPH, Tables, files_settings, open_tables

MONDAY: Final = datetime(2026, 3, 9, 8, tzinfo=UTC)
BEFORE: Final = datetime(2026, 1, 5, tzinfo=UTC)
TARGETS: Final = ("sync.issue_actions", "sync.issue_notices", "audit.issue_conditions", "audit.issue_reviews")
# What Trading Grid's contract allows (connections/trading_grid/openapi.yaml).
MOVES: Final[Mapping[str, frozenset[str]]] = {
    "reported": frozenset({"triaged"}),
    "triaged": frozenset({"rejected", "duplicate", "in_review", "partner_notified"}),
    "in_review": frozenset({"replacement_approved", "rejected"}),
    "replacement_approved": frozenset({"replacement_published", "in_review"}),
    "replacement_published": frozenset({"partner_notified"}),
    "partner_notified": frozenset({"confirmed", "reopened"}),
    "confirmed": frozenset({"reopened"}),
    "reopened": frozenset({"triaged", "in_review"}),
    "rejected": frozenset({"reopened"}),
    "duplicate": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row of ``sync.issue_actions``."""

    action_text: str
    operation: str
    subject_id: str
    step: str
    partner_id: str | None
    payload: dict[str, Any]
    rule: str


@dataclass
class Loop:
    """Asset A1 with version 1, held and downloadable by P1 (Germany), unless a test says otherwise."""

    tables: Tables
    now: datetime = MONDAY
    records: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)

    def put(self, stream: str, key: tuple[Any, ...], **fields: Any) -> None:
        """Write a record down, or change some of its fields."""
        of_stream = self.records.setdefault(stream, {})
        of_stream[key] = {**of_stream.get(key, {}), **fields}

    def partner(self, partner_id: str, *, locale: str = "en-GB", region: str = "DE", is_entitled: bool = True) -> None:
        """Tell of a partner, and let it download A1."""
        self.put(
            "partners",
            (partner_id,),
            partner_id=partner_id,
            name=f"Name of {partner_id}",
            region=region,
            timezone="Europe/Berlin",
            locale=locale,
            status="active",
            updated_at=stamp(BEFORE),
        )
        if is_entitled:
            self.put(
                "grants",
                (partner_id,),
                grant_id=f"grant-{partner_id}",
                grantee_type="partner",
                grantee_id=partner_id,
                object_type="asset",
                object_id="A1",
                effect="allow",
                rights=["view", "download"],
                valid_from=stamp(BEFORE),
                updated_at=stamp(BEFORE),
            )

    def version(self, number: int, approved_at: datetime | None = None, **fields: Any) -> None:
        """Tell of an approved version of A1."""
        self.put(
            "asset_versions",
            ("A1", number),
            **{
                "asset_id": "A1",
                "version_no": number,
                "file_name": "sheet.pdf",
                "checksum_sha256": f"{number:064x}",
                "change_class": "content",
                "approval_status": "approved",
                "approved_at": stamp(approved_at or BEFORE),
                "effective_policy": "instant",
                "restricted_regions": [],
                "updated_at": stamp(self.now),
                **fields,
            },
        )

    def obtain(self, partner_id: str, number: int, at: datetime | None = None) -> None:
        """Let a partner download a version."""
        when = stamp(at or BEFORE + timedelta(days=10))
        event_id = f"event-{len(self.records.get('access_events', {}))}"
        self.put(
            "access_events",
            (event_id,),
            event_id=event_id,
            event_type="downloaded",
            partner_id=partner_id,
            asset_id="A1",
            version_no=number,
            occurred_at=when,
            recorded_at=when,
        )

    def report(self, issue_id: str = "IS-1", partner_id: str = "P1", category: str = "corrupt", **fields: Any) -> None:
        """Let a partner report an issue about version 1 of A1 now."""
        self.put(
            "issues",
            (issue_id,),
            **{
                "issue_id": issue_id,
                "partner_id": partner_id,
                "asset_id": "A1",
                "version_no": 1,
                "category": category,
                "severity": "medium",
                "description": "The colours are wrong",
                "created_at": stamp(self.now),
                **fields,
            },
        )
        self.move(issue_id, "reported")

    def move(self, issue_id: str, status: str) -> None:
        """Move an issue, whoever does it."""
        issue = self.records["issues"][issue_id,]
        before = issue.get("status")
        assert before is None or status in MOVES[before], f"no move from {before} to {status}"
        self.put("issues", (issue_id,), status=status, updated_at=stamp(self.now))
        event_id = f"step-{len(self.records.get('issue_events', {}))}"
        self.put(
            "issue_events",
            (event_id,),
            event_id=event_id,
            issue_id=issue_id,
            from_status=before,
            to_status=status,
            occurred_at=stamp(self.now),
        )

    def bring(self, issue_id: str, *statuses: str) -> None:
        """Move an issue through these statuses, at once."""
        for status in statuses:
            self.move(issue_id, status)

    def review(self, review_id: str, status: str, **fields: Any) -> None:
        """Move a review, or open it by hand."""
        opened = {} if (review_id,) in self.records.get("reviews", {}) else {"opened_at": stamp(self.now)}
        subject = {"asset_id": "A1", "version_no": 1} if opened else {}
        self.put(
            "reviews",
            (review_id,),
            **{"review_id": review_id, "status": status, "updated_at": stamp(self.now)} | opened | subject | fields,
        )

    def look(self, after: timedelta = timedelta(hours=1)) -> list[Wanted]:
        """Let time pass, read both systems, and return what the loop wants now."""
        self.now += after
        unchanged = {stream for stream in STREAMS if not self._write(stream)}
        self.turns.append(self.tables.pull(self.now))
        self._lay()
        for name in GRAPH.left_of(TARGETS):
            floor, _, table = name.partition(".")
            if floor not in {"staging", "core"} or table.removesuffix("_history") not in unchanged:
                self._make(name)
        return self.wanted()

    def compute(self, name: str) -> None:
        """Compute one model of the last look."""
        give_ledger(self.tables.connection, self.tables.journal.path)
        self._make(name)

    def _make(self, name: str) -> None:
        connection, model = self.tables.connection, GRAPH.models[name]
        connection.execute(f"create schema if not exists {model.floor}")
        create_table(connection, model, Question(self.now, self.turns[-1].known_at))
        check_grain(connection, model)

    def _lay(self) -> None:
        """Give what models do not make; the calendar is as it was, and is not asked for here."""
        turn, tables = self.turns[-1], self.tables
        if len(self.turns) == 1:
            tables.lay(turn, self.now)
        else:
            give_landing(tables.connection, tables.home.landing.resolve(), landed_chunks(tables.journal))
            give_question(tables.connection, Question(self.now, turn.known_at))
            give_ledger(tables.connection, tables.journal.path)

    def _write(self, stream: str) -> bool:
        """Write a stream's records down; False where they are as they were."""
        path = self.tables.source / stream / "told.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        records = self.records.get(stream, {}).values()
        text = "".join(json.dumps(record) + "\n" for record in records)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.write_text(text, encoding="utf-8")
        return True

    def wanted(self) -> list[Wanted]:
        """Return the desired actions that were computed last."""
        rows = self.tables.rows(
            "select action_text, operation, subject_id, step, partner_id, payload, rule"
            " from sync.issue_actions order by action_text"
        )
        return [
            Wanted(text, operation, subject, step, partner, json.loads(payload), rule)
            for text, operation, subject, step, partner, payload, rule in rows
        ]

    def do(self, wanted: Wanted) -> None:
        """Do what an action asks for, as the system that it is for would."""
        payload = wanted.payload
        if wanted.operation == "move_issue":
            self.move(payload["issue_id"], payload["to_status"])
            if payload["duplicate_of"] is not None:
                self.put("issues", (payload["issue_id"],), duplicate_of=payload["duplicate_of"])
        elif wanted.operation == "open_review":
            number = None if payload["version_no"] is None else int(payload["version_no"])
            self.review(
                f"RV-{wanted.action_text}",
                "open",
                asset_id=payload["asset_id"],
                version_no=number,
                issue_id=payload["issue_id"],
                reason=payload["reason"],
            )
        else:
            assert wanted.operation == "create_delivery"
            self.deliver(payload["partner_id"], int(payload["version_no"]), "queued", channel=payload["channel"])

    def deliver(
        self,
        partner_id: str,
        number: int,
        status: str,
        *,
        channel: str = "portal",
        delivery_id: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Tell of a delivery of A1."""
        when = stamp(at or self.now)
        own_id = delivery_id or f"delivery-{partner_id}-{number}"
        self.put(
            "deliveries",
            (own_id,),
            delivery_id=own_id,
            partner_id=partner_id,
            asset_id="A1",
            version_no=number,
            channel=channel,
            status=status,
            status_at=when,
            created_at=when,
            updated_at=when,
        )

    def step(self) -> list[str]:
        """Look, do everything that is wanted, and return its steps."""
        wanted = self.look()
        for one in wanted:
            self.do(one)
        return [one.step for one in wanted]

    def steps(self, most: int = 9) -> list[str]:
        """Step until nothing is wanted any more, and return all the steps."""
        done: list[str] = []
        for _ in range(most):
            steps = self.step()
            if not steps:
                return done
            done += steps
        message = f"it does not come to rest: {done}"
        raise AssertionError(message)

    def waits_for(self, issue_id: str = "IS-1") -> str | None:
        """Return whom an issue waits for."""
        rows = self.tables.rows("select waits_for from sync.issue_steps where issue_id = $id", {"id": issue_id})
        return rows[0][0] if rows else None

    def status(self, issue_id: str = "IS-1") -> str:
        """Return an issue's status as Trading Grid has it."""
        return str(self.records["issues"][issue_id,]["status"])

    def findings(self) -> list[str]:
        """Return the rules of the findings about issues."""
        return [rule for (rule,) in self.tables.rows("select rule from audit.issue_conditions order by rule")]


def stamp(at: datetime) -> str:
    """Write an instant as the text of one."""
    return at.isoformat()


@contextmanager
def open_loop(folder: Path, *, is_late: bool = False) -> Iterator[Loop]:
    """The usual two systems; ``is_late``: VIP is known up to the first of its days only."""
    settings = files_settings(folder / "source")
    if is_late:
        late = settings.connections["vip"].model_copy(update={"watermark": BEFORE})
        settings = settings.model_copy(update={"connections": {**settings.connections, "vip": late}})
    with open_tables(folder, settings) as tables:
        loop = Loop(tables)
        loop.put(
            "assets",
            ("A1",),
            asset_id="A1",
            title="Allergen sheet",
            classification="standard",
            publisher_timezone="Europe/Berlin",
            updated_at=stamp(BEFORE),
        )
        loop.partner("P1")
        loop.version(1)
        loop.obtain("P1", 1)
        yield loop
