"""A network that lives on while it is read: records arrive, are edited, the clock moves, turns bring tables up to date.

Belongs here: what a step does to the world and to the tables that are kept up to date, and holding these against tables
made anew. Does not belong here: which steps are taken (``test_increments``).
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.ingest.landed import landed_chunks
from pipeline.ledger.turns import Turn
from pipeline.sqlmodels.graph import LEDGER_STEPS
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.reasons import FEW_ROWS
from pipeline.sqlmodels.relations import Landing
from pipeline.sqlmodels.replaying import replay
from resources.warehouse import open_in_memory
from tests.reference.networks import Batch, random_network
from tests.reference.records import Arrival, Record
from tests.tables import GRAPH, Tables

SNOOZED: Final = 0.25
SEEN: Final = 0.6
ALWAYS_SEEN: Final = frozenset({"partners", "assets", "asset_versions", "deliveries"})
# What no two computations of the same thing have in common: when a process ran.
NEVER_THE_SAME: Final = frozenset({"ops.runs"})
NAMES: Final = tuple(name for name in GRAPH.order if name not in LEDGER_STEPS and name not in NEVER_THE_SAME)
MICROSECOND: Final = timedelta(microseconds=1)
EDITS: Final[dict[str, tuple[tuple[str, tuple[Any, ...]], ...]]] = {
    "partners": (
        ("region", ("US-CA", "US-NY", "DE")),
        ("timezone", ("Asia/Tokyo", "UTC")),
        ("status", ("active", "suspended", "left")),
    ),
    "assets": (("classification", ("safety", "standard")), ("on_withdraw", ("reinstate_previous", "no_target"))),
    "asset_versions": (
        ("approval_status", ("approved", "revoked", "pending")),
        ("restricted_regions", ([], ["US"], ["DE"])),
        ("effective_policy", ("instant", "partner_local", "publisher_local")),
    ),
    "grants": (("effect", ("allow", "deny")), ("rights", (["view"], ["view", "download"]))),
    "acknowledgments": (("kind", ("accepted", "completed", "declined", "auto")), ("covers_children", (True, False))),
    "notices": (
        ("kind", ("publish", "version_change", "withdrawal")),
        ("due_at", ("2026-01-10T00:00:00Z", "2026-03-01T00:00:00Z")),
    ),
    "partner_users": (("status", ("active", "left")),),
}


@dataclass
class Living:
    """One network in the making: ``waiting`` has not arrived, ``arrived`` has, ``unread`` is written but not pulled."""

    tables: Tables
    seed: int
    steps: Counter[str] = field(default_factory=Counter)
    waiting: list[Arrival] = field(default_factory=list)
    arrived: list[Arrival] = field(default_factory=list)
    unread: dict[str, list[Record]] = field(default_factory=dict)
    hows: Counter[str] = field(default_factory=Counter)
    turn: Turn | None = None

    def __post_init__(self) -> None:
        """Draw what is to arrive, in an order of its own."""
        network = random_network(random.Random(self.seed))
        self.rng = random.Random(self.seed + 1)
        self.now: datetime = network.batches[0].now
        self.tables.go_live = self.rng.choice((None, self.now - timedelta(days=100), self.now - timedelta(days=3000)))
        self.exact = frozenset(name for batch in network.batches for name in batch.exact)
        self.waiting = [arrival for arrival in network.arrivals() if self._is_seen(arrival.stream)]
        self.rng.shuffle(self.waiting)

    def _is_seen(self, stream: str) -> bool:
        """Leave out some streams of some networks, always the same: with less in the way, others meet more often."""
        if stream in ALWAYS_SEEN or self.seed % 3 == 0:
            return True
        return random.Random(f"{self.seed} {stream}").random() < SEEN

    def arrive(self, share: float) -> None:
        """Let some of what waits arrive; where nothing does, an edit."""
        if not self.waiting:
            self.edit(self.rng.randrange(1000))
            return
        count = max(1, int(len(self.waiting) * share))
        for arrival in self.waiting[:count]:
            self.unread.setdefault(arrival.stream, []).append(arrival.record)
            self.arrived.append(arrival)
        del self.waiting[:count]
        self.steps["arrive"] += 1

    def edit(self, choice: int) -> None:
        """Let a record that has arrived come again with another content, later than all before."""
        editable = [arrival for arrival in self.arrived if arrival.stream in EDITS]
        self.steps["edit"] += 1
        if not editable:
            return
        arrival = editable[choice % len(editable)]
        name, values = self.rng.choice(EDITS[arrival.stream])
        record = {**arrival.record, name: self.rng.choice(values), "updated_at": self.now.isoformat()}
        self.unread.setdefault(arrival.stream, []).append(record)
        self.arrived.append(Arrival(arrival.stream, self.now, record))

    def advance(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span
        self.steps["advance"] += 1

    def sync(self) -> None:
        """Pull what was written, and bring every table up to date."""
        self.steps["syncs that bring changes" if self.unread else "syncs that bring nothing"] += 1
        self.now += MICROSECOND
        batch = Batch(self.now, self.unread, self.exact)
        turn = self.tables.receive(batch, self.rng)
        self.unread = {}
        self.turn = turn
        if self.rng.random() < SNOOZED:
            self.snooze(turn)
        increments = self._increments(self.tables, turn)
        increments.taken.large_rows = self.rng.choice((1, 1, 1_000_000))
        increments.few_rows = self.rng.choice((0, 0, FEW_ROWS))
        for name in NAMES:
            self.hows[f"{name}: {increments.refresh(GRAPH.models[name]).how}"] += 1
        increments.flush()

    def snooze(self, turn: Turn) -> None:
        """Let a person put off a notice that is due, or all of a partner, from some instant on, perhaps for a while."""
        candidates = self._known("sync.notice_candidates", "candidate_key")
        partners = self._known("core.partners", "partner_id")
        if not partners:
            return
        is_one = bool(candidates) and self.rng.random() < 0.5
        begin = self.now + timedelta(hours=self.rng.choice((-24, 0, 30)))
        record = {
            "decision_id": f"s{turn.number}",
            "kind": "snooze",
            "subject": self.rng.choice(candidates) if is_one else None,
            "partner_id": None if is_one else self.rng.choice(partners),
            "valid_from": begin.isoformat(),
            "valid_to": self.rng.choice((None, (begin + timedelta(hours=50)).isoformat())),
        }
        self.tables.decide(turn, record)
        self.steps["snooze"] += 1

    def _known(self, table: str, column: str) -> list[str]:
        is_there = self.tables.rows(
            "select 1 from information_schema.tables where table_schema || '.' || table_name = $name", {"name": table}
        )
        named = f"select {column} from {table} where {column} is not null order by 1"
        return [row[0] for row in self.tables.rows(named)] if is_there else []

    @staticmethod
    def _increments(tables: Tables, turn: Turn) -> Increments:
        question = tables.lay(turn, turn.now)
        landing = Landing.of(tables.home.landing.resolve(), landed_chunks(tables.journal))
        return Increments(tables.connection, question, turn.number, landing, GRAPH.models, replay)

    def differences(self) -> list[str]:
        """Say which tables differ from those that are made anew from the same landing and journal."""
        if self.turn is None:
            return []
        kept = self.tables.connection
        found = []
        with open_in_memory(self.tables.home) as anew:
            increments = self._increments(replace(self.tables, connection=anew), self.turn)
            for name in NAMES:
                increments.replace(GRAPH.models[name])
                one_side = _rows(kept, name) - _rows(anew, name)
                other_side = _rows(anew, name) - _rows(kept, name)
                if one_side or other_side:
                    found.append(f"{name}: kept {list(one_side)[:2]}, anew {list(other_side)[:2]}")
        return found


def _rows(connection: Any, name: str) -> Counter[str]:
    return Counter(map(repr, connection.sql(f"select * from {name}").fetchall()))
