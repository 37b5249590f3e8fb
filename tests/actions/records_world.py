"""Two systems as records that change, and our own journal: for the tests of rights and of launches.

Belongs here: writing the records down, computing a turn's desired actions and notices from them, and journalling what
became of an action. Does not belong here: what a test asserts, what its records say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipeline.actions.book import Book
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import ACTION_DECIDED, ACTION_LEASED, ACTION_SENT
from pipeline.ingest.landed import landed_chunks
from pipeline.ledger.journal import Value
from pipeline.ledger.turns import Turn
from pipeline.notice_settings import Notices
from pipeline.settings import Settings
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Question, give_landing, give_question
from pipeline.sqlmodels.runner import check_grain, create_table
from pipeline.streams import STREAMS
from tests.tables import GRAPH, Tables, files_settings, open_tables

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
GO_LIVE: Final = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE: Final = datetime(2026, 1, 5, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row of a pattern's desired actions."""

    action_text: str
    target_system: str
    operation: str
    subject_id: str
    step: str
    partner_id: str | None
    asset_id: str | None
    payload: dict[str, Any]
    rule: str

    @property
    def key(self) -> str:
        """The key of the action that it becomes."""
        return action_key(self.action_text)


@dataclass(frozen=True, slots=True)
class Told:
    """One row of a pattern's notices."""

    partner_id: str
    step: str
    rule: str
    due_at: datetime
    said: dict[str, str]


@dataclass
class Records:
    """Streams of records by key; `look` is a turn."""

    tables: Tables
    floor: str
    targets: Sequence[str]
    now: datetime = START
    records: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    turn: Turn | None = None

    def put(self, stream: str, *key: Any, **fields: Any) -> None:
        """Write a record down, or change some of its fields."""
        of_stream = self.records.setdefault(stream, {})
        of_stream[key] = {**of_stream.get(key, {}), **fields}

    def look(self, after: timedelta = HOUR) -> list[Wanted]:
        """Let time pass, read both systems, and return what the pattern wants now, if that was asked for."""
        self.now += after
        unchanged = {stream for stream in STREAMS if not self._tell(stream)}
        is_first = self.turn is None
        self.turn = self.tables.pull(self.now)
        self._lay(self.turn, is_first=is_first)
        for name in GRAPH.left_of(self.targets):
            floor, _, table = name.partition(".")
            if floor not in {"staging", "core"} or table.removesuffix("_history") not in unchanged:
                self.compute(name)
        return self.wanted() if f"sync.{self.floor}_actions" in self.targets else []

    def compute(self, name: str) -> None:
        """Compute one model as of the last look."""
        assert self.turn is not None
        connection, model = self.tables.connection, GRAPH.models[name]
        connection.execute(f"create schema if not exists {model.floor}")
        create_table(connection, model, Question(self.now, self.turn.known_at))
        check_grain(connection, model)

    def _lay(self, turn: Turn, *, is_first: bool) -> None:
        """Give what models do not make; the configuration is as it was."""
        tables = self.tables
        if is_first:
            tables.lay(turn, self.now)
            return
        give_landing(tables.connection, tables.home.landing.resolve(), landed_chunks(tables.journal))
        give_question(tables.connection, Question(self.now, turn.known_at))
        give_ledger(tables.connection, tables.journal.path)

    def _tell(self, stream: str) -> bool:
        """Write a stream's records down; False where they are as they were."""
        path = self.tables.source / stream / "told.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(record) + "\n" for record in self.records.get(stream, {}).values())
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.write_text(text, encoding="utf-8")
        return True

    def wanted(self) -> list[Wanted]:
        """Return the desired actions that were computed last."""
        rows = self.tables.rows(
            "select action_text, target_system, operation, subject_id, step, partner_id, asset_id, payload, rule"
            f" from sync.{self.floor}_actions order by action_text"
        )
        return [
            Wanted(text, system, operation, subject, step, partner, asset, json.loads(payload), rule)
            for text, system, operation, subject, step, partner, asset, payload, rule in rows
        ]

    def told(self) -> list[Told]:
        """Return the notices that were computed last."""
        rows = self.tables.rows(
            "select partner_id, step, rule, notice_due_at, said"
            f" from sync.{self.floor}_notices order by partner_id, step"
        )
        return [
            Told(partner, step, rule, due_at.astimezone(UTC), json.loads(said))
            for partner, step, rule, due_at, said in rows
        ]

    def findings(self) -> list[tuple[str, str]]:
        """Return the findings' rules and subjects."""
        return self.tables.rows(f"select rule, subject_id from audit.{self.floor}_conditions order by rule, subject_id")

    def rules(self) -> list[str]:
        """Return the findings' rules."""
        return [rule for rule, _ in self.findings()]

    def journal(self, wanted: Wanted, *kinds: str) -> None:
        """Write down that an action was decided, and what became of it."""
        decided: dict[str, Value] = {
            "action_key": wanted.key,
            "action_text": wanted.action_text,
            "pattern": wanted.action_text.partition("|")[0],
            "target_system": wanted.target_system,
            "operation": wanted.operation,
            "payload": wanted.payload,
            "subject_type": "",
            "subject_id": wanted.subject_id,
            "step": wanted.step,
            "partner_id": wanted.partner_id,
            "kind": None,
            "needs_approval": False,
        }
        self._write(wanted.key, decided, kinds)

    def send(self, wanted: Wanted) -> None:
        """Write down that an action was sent."""
        self.journal(wanted, ACTION_LEASED, ACTION_SENT)

    def post(self, told: Told, kind: str, *kinds: str) -> str:
        """Write down that a notice was decided, and what became of it; return its key."""
        key = action_key(f"{told.partner_id}|||{kind}|{told.step}")
        decided: dict[str, Value] = {
            "action_key": key,
            "operation": "post_notice",
            "target_system": "trading_grid",
            "payload": {},
            "partner_id": told.partner_id,
            "redirect_to": None,
            "kind": kind,
            "step": told.step,
            "needs_approval": False,
        }
        self._write(key, decided, kinds or (ACTION_LEASED, ACTION_SENT))
        return key

    def _write(self, key: str, decided: dict[str, Value], kinds: Sequence[str]) -> None:
        assert self.turn is not None
        outcome: dict[str, Value] = {"action_key": key, "remote_id": f"remote-{key}", "how": "posted", "attempt": "1"}
        drafts = [self.turn.draft(ACTION_DECIDED, decided, source="trading_grid", source_id=key)]
        drafts += [self.turn.draft(kind, outcome, source="trading_grid", source_id=key) for kind in kinds]
        Book(self.tables.journal).write(drafts)

    def partner(self, partner_id: str, *, region: str = "DE", **fields: Any) -> None:
        """Tell of a partner."""
        self.put(
            "partners",
            partner_id,
            **{
                "partner_id": partner_id,
                "name": f"Name of {partner_id}",
                "region": region,
                "timezone": "Europe/Berlin",
                "locale": "en-GB",
                "status": "active",
                "updated_at": stamp(BEFORE),
                **fields,
            },
        )

    def asset(self, asset_id: str, **fields: Any) -> None:
        """Tell of an asset."""
        self.put(
            "assets",
            asset_id,
            **{
                "asset_id": asset_id,
                "title": f"Title of {asset_id}",
                "classification": "standard",
                "publisher_timezone": "Europe/Berlin",
                "updated_at": stamp(BEFORE),
                **fields,
            },
        )

    def version(self, asset_id: str, number: int = 1, approved_at: datetime = BEFORE, **fields: Any) -> None:
        """Tell of an approved version."""
        self.put(
            "asset_versions",
            asset_id,
            number,
            **{
                "asset_id": asset_id,
                "version_no": number,
                "file_name": f"{asset_id}-{number}.pdf",
                "checksum_sha256": f"{asset_id}-{number}",
                "change_class": "content",
                "approval_status": "approved",
                "approved_at": stamp(approved_at),
                "effective_policy": "instant",
                "restricted_regions": [],
                "updated_at": stamp(self.now),
                **fields,
            },
        )

    def grant(self, grant_id: str, grantee: tuple[str, str], thing: tuple[str, str], **fields: Any) -> None:
        """Tell of a grant, by default from long ago, to download, without an end."""
        self.put(
            "grants",
            grant_id,
            **{
                "grant_id": grant_id,
                "grantee_type": grantee[0],
                "grantee_id": grantee[1],
                "object_type": thing[0],
                "object_id": thing[1],
                "effect": "allow",
                "rights": ["view", "download"],
                "valid_from": stamp(BEFORE),
                "updated_at": stamp(BEFORE),
                **fields,
            },
        )

    def obtain(self, partner_id: str, asset_id: str, number: int = 1, at: datetime | None = None) -> None:
        """Let a partner download a version."""
        when = stamp(at or self.now)
        event_id = f"event-{len(self.records.get('access_events', {}))}"
        self.put(
            "access_events",
            event_id,
            event_id=event_id,
            event_type="downloaded",
            partner_id=partner_id,
            asset_id=asset_id,
            version_no=number,
            occurred_at=when,
            recorded_at=when,
        )


def stamp(at: datetime) -> str:
    """Write an instant as the text of one."""
    return at.isoformat()


@contextmanager
def open_records(
    folder: Path, floor: str, targets: Sequence[str], *, vip_until: datetime | None = None
) -> Iterator[Records]:
    """Empty systems; `vip_until`: VIP is known up to then only."""
    settings: Settings = files_settings(folder / "source", notices=Notices(notify_from=GO_LIVE))
    if vip_until is not None:
        late = settings.connections["vip"].model_copy(update={"watermark": vip_until})
        settings = settings.model_copy(update={"connections": {**settings.connections, "vip": late}})
    with open_tables(folder, settings) as tables:
        yield Records(tables, floor, targets)
