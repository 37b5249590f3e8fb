"""A small world for the tests of actions: given rows in an in-memory DuckDB, a journal, turns that go on.

Belongs here: what lies to the left of ``sql/sync``, as rows. Does not belong here: what a test asserts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.actions.decide import DecideOutcome, decide_actions
from pipeline.home import Home
from pipeline.ledger.journal import Entry, Journal
from pipeline.ledger.turns import Turn, open_turn
from pipeline.settings import Settings
from pipeline.sqlmodels.graph import SQL_FOLDER
from pipeline.sqlmodels.increments import run_model
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.model import read_model
from pipeline.sqlmodels.relations import Question, give_settings
from resources.warehouse import open_in_memory

NOW: Final = datetime(2026, 3, 10, 8, tzinfo=UTC)
GO_LIVE: Final = NOW - timedelta(days=30)
PATTERNS: Final = ("request", "issue", "rights", "campaign")
BEFORE: Final = (
    "ops.late_claims",
    "sync.version_notices",
    "sync.follow_up_rounds",
    "sync.follow_ups",
    "sync.notice_candidates",
    "sync.notice_facts",
)
AFTER: Final = (
    "ops.turns",
    "core.decisions",
    "sync.actions",
    "sync.notice_rechecks",
    "sync.notice_decisions",
    "marts.notice_log",
)
# Columns of the tables to the left, with a value where a test says nothing.
PATTERN_NOTICES: Final[Mapping[str, tuple[str, Any]]] = {
    "partner_id": ("varchar", "P1"),
    "asset_id": ("varchar", None),
    "version_no": ("integer", None),
    "kind": ("varchar", "request_update"),
    "step": ("varchar", "accepted:RQ-1:1"),
    "pattern": ("varchar", "P1"),
    "rule": ("varchar", "request_moved"),
    "notice_due_at": ("timestamptz", NOW),
    "subject_type": ("varchar", "request"),
    "subject_id": ("varchar", "RQ-1"),
    "is_urgent": ("boolean", False),
    "said": ("json", '{"request_id": "RQ-1", "status": "accepted"}'),
    "evidence": ("json", '["RQ-1"]'),
}
TABLES: Final[Mapping[str, Mapping[str, tuple[str, Any]]]] = {
    "freshness.audiences": {
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 2),
        "kind": ("varchar", "version_change"),
        "notice_due_at": ("timestamptz", NOW - timedelta(days=2)),
        "reason": ("varchar", "entitled"),
        "is_joiner": ("boolean", False),
    },
    "freshness.notice_occasions": {
        "region": ("varchar", "DE"),
        "zone": ("varchar", "Europe/Berlin"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 2),
        "kind": ("varchar", "version_change"),
        "notice_due_at": ("timestamptz", NOW - timedelta(days=2)),
        "open_until": ("timestamptz", NOW + timedelta(days=999)),
    },
    "freshness.obtained": {
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 1),
        "obtained_at": ("timestamptz", NOW - timedelta(days=20)),
    },
    "freshness.obligations": {
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 2),
        "kind": ("varchar", "version_change"),
        "state": ("varchar", "pending"),
        "sent_at": ("timestamptz", NOW - timedelta(days=2)),
        "due_at": ("timestamptz", NOW + timedelta(days=5)),
        "first_notice_id": ("varchar", "N1"),
    },
    **{f"sync.{pattern}_notices": PATTERN_NOTICES for pattern in PATTERNS},
    "freshness.positions": {
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "position": ("varchar", "stale_overdue"),
        "position_rule": ("integer", 18),
        "target_version_no": ("bigint", 2),
        "held_versions": ("bigint[]", [1]),
        "grace_until": ("timestamptz", NOW - timedelta(days=1)),
        "entitled": ("boolean", True),
    },
    "freshness.held_copies": {
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 1),
        "first_obtained_at": ("timestamptz", NOW - timedelta(days=20)),
        "last_obtained_at": ("timestamptz", NOW - timedelta(days=20)),
    },
    "freshness.version_terms": {
        "region": ("varchar", "DE"),
        "zone": ("varchar", "Europe/Berlin"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 1),
        "effective_at": ("timestamptz", NOW - timedelta(days=25)),
        "withdrawn_from": ("timestamptz", None),
        "expires_at": ("timestamptz", None),
        "is_barred": ("boolean", False),
    },
    "freshness.version_lives": {
        "region": ("varchar", "DE"),
        "zone": ("varchar", "Europe/Berlin"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 2),
        "effective_at": ("timestamptz", NOW - timedelta(days=2)),
        "ended_at": ("timestamptz", None),
        "is_reinstated": ("boolean", False),
    },
    "core.partners": {
        "partner_id": ("varchar", "P1"),
        "name": ("varchar", "Nordwind"),
        "locale": ("varchar", "en-GB"),
        "region": ("varchar", "DE"),
        "zone": ("varchar", "Europe/Berlin"),
        "status": ("varchar", "active"),
        "tier": ("varchar", None),
        "gone_from": ("timestamptz", None),
        "deleted_at": ("timestamptz", None),
    },
    "core.group_members": {
        "group_id": ("varchar", "G1"),
        "partner_id": ("varchar", "P1"),
        "joined_at": ("timestamptz", NOW - timedelta(days=40)),
        "left_at": ("timestamptz", None),
    },
    "core.partner_users": {
        "user_id": ("varchar", "U1"),
        "partner_id": ("varchar", "P1"),
        "status": ("varchar", "active"),
    },
    "core.assets": {
        "asset_id": ("varchar", "A1"),
        "title": ("varchar", "Allergen sheet"),
        "sku": ("varchar", None),
        "brand": ("varchar", None),
        "classification": ("varchar", "standard"),
        "owner": ("varchar", "olga@example.com"),
        "deleted_at": ("timestamptz", None),
    },
    "core.asset_versions": {
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 1),
        "version_label": ("varchar", None),
        "file_name": ("varchar", "sheet.pdf"),
        "format": ("varchar", "pdf"),
        "change_class": ("varchar", "content"),
        "checksum_sha256": ("varchar", None),
        "change_summary": ("varchar", "Sulphites added"),
        "replacement_instructions": ("varchar", "Replace it in every shop"),
        "usage_guidance": ("varchar", None),
        "restricted_regions": ("varchar[]", []),
        "withdrawal_reason": ("varchar", None),
        "approved_at": ("timestamptz", NOW - timedelta(days=40)),
    },
    "core.identities": {
        "entity": ("varchar", "asset"),
        "source_id": ("varchar", "TG-1"),
        "target_id": ("varchar", "A1"),
        "holds_from": ("timestamptz", NOW - timedelta(days=999)),
        "holds_until": ("timestamptz", NOW + timedelta(days=999)),
    },
    "core.notices": {
        "notice_id": ("varchar", "N1"),
        "external_key": ("varchar", None),
        "partner_id": ("varchar", "P1"),
        "kind": ("varchar", "version_change"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("bigint", 2),
        "posted_at": ("timestamptz", NOW - timedelta(days=1)),
        "due_at": ("timestamptz", None),
        "retracted_at": ("timestamptz", None),
        "read_at": ("timestamptz", None),
    },
    "sync.desired_actions": {
        "action_text": ("varchar", "P1|RQ-1|accepted|1"),
        "pattern": ("varchar", "P1"),
        "target_system": ("varchar", "trading_grid"),
        "operation": ("varchar", "move_request"),
        "subject_type": ("varchar", "request"),
        "subject_id": ("varchar", "RQ-1"),
        "step": ("varchar", "accepted"),
        "partner_id": ("varchar", "P1"),
        "asset_id": ("varchar", "A1"),
        "version_no": ("integer", 2),
        "payload": ("json", '{"request_id": "RQ-1", "to_status": "accepted"}'),
        "reason": ("varchar", "The request names one asset."),
        "rule": ("varchar", "matched"),
        "evidence": ("json", '["RQ-1"]'),
        "due_at": ("timestamptz", NOW),
        "is_urgent": ("boolean", False),
        "owner": ("varchar", "olga@example.com"),
        "waits_because": ("varchar", None),
        "late_streams": ("varchar[]", []),
    },
    "ops.data_late": {"claim": ("varchar", "position"), "is_late": ("boolean", False)},
}
# Of which there is nothing unless a test says so.
EMPTY: Final = frozenset(
    {
        "core.notices",
        "core.identities",
        "freshness.audiences",
        "freshness.obligations",
        "sync.desired_actions",
        *(f"sync.{pattern}_notices" for pattern in PATTERNS),
    }
)


@dataclass
class World:
    """One partner P1 that holds version 1 of A1, whose target is version 2, unless a test says otherwise."""

    connection: duckdb.DuckDBPyConnection
    journal: Journal
    settings: Settings
    turn: Turn
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def give(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Replace a table's rows; a row's other columns have their usual value."""
        usual = {name: value for name, (_, value) in TABLES[table].items()}
        self.rows[table] = [usual | dict(row) for row in rows]

    def add(self, table: str, **columns: Any) -> None:
        """Add a row."""
        self.rows[table].append({name: value for name, (_, value) in TABLES[table].items()} | columns)

    def withdraw(self, version_no: int, withdrawn_from: datetime) -> None:
        """Withdraw a version."""
        for row in self.rows["freshness.version_terms"]:
            if row["version_no"] == version_no:
                row["withdrawn_from"] = withdrawn_from

    def compute(self) -> None:
        """Compute what lies between the given rows and the decision."""
        for table, columns in TABLES.items():
            self._fill(table, columns)
        give_settings(self.connection, self.settings, self._question, GO_LIVE)
        self._run(BEFORE)

    def decide(self) -> DecideOutcome:
        """Compute, decide, and fold what was decided."""
        self.compute()
        outcome = decide_actions(self.connection, self.journal, self.turn, self.settings)
        self.fold()
        return outcome

    def fold(self) -> None:
        """Compute what folds the journal."""
        self._run(AFTER)

    def next_turn(self, after: timedelta = timedelta(minutes=5)) -> None:
        """Go on to the next turn."""
        now = self.turn.now + after
        self.turn = open_turn(self.journal, now, now)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        rows: list[tuple[Any, ...]] = self.connection.sql(query).fetchall()
        return rows

    def entries(self, *kinds: str) -> list[Entry]:
        """Return the journal's entries of these kinds."""
        return list(self.journal.entries(frozenset(kinds)))

    @property
    def _question(self) -> Question:
        return Question(self.turn.now, self.turn.known_at)

    def _fill(self, table: str, columns: Mapping[str, tuple[str, Any]]) -> None:
        self.connection.execute(f"create schema if not exists {table.partition('.')[0]}")
        shape = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
        self.connection.execute(f"create or replace table {table} ({shape})")
        marks = ", ".join("?" for _ in columns)
        rows = [list(row.values()) for row in self.rows[table]]
        if rows:
            self.connection.executemany(f"insert into {table} values ({marks})", rows)

    def _run(self, names: Sequence[str]) -> None:
        give_ledger(self.connection, self.journal.path)
        for name in names:
            floor, _, table = name.partition(".")
            if name == "sync.notice_candidates":
                self._run_one("core", "decisions")
            self._run_one(floor, table)

    def _run_one(self, floor: str, table: str) -> None:
        model = read_model(SQL_FOLDER / floor / f"{table}.sql")
        run_model(self.connection, model, self._question, self.turn.number)


@contextmanager
def open_world(folder: Path, **notices: Any) -> Iterator[World]:
    """Make the usual world; ``notices`` is the configuration's section of that name."""
    home = Home(folder)
    home.make()
    journal = Journal(home.ledger)
    with open_in_memory(home) as connection:
        settings = Settings.model_validate(
            {"connections": {}, "notices": {"approve_above": {"partners": 100, "share": 1.0}} | notices}
        )
        world = World(connection, journal, settings, open_turn(journal, NOW, NOW))
        for table in TABLES:
            world.give(table, *([] if table in EMPTY else [{}]))
        for table in ("freshness.version_terms", "core.asset_versions"):
            world.add(table, version_no=2)
        world.rows["freshness.version_terms"][1]["effective_at"] = NOW - timedelta(days=2)
        yield world
