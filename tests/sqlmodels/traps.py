"""The traps' stories, told once, computed once, and asked apart.

Belongs here: registering a story, and the answers that the SQL gives about it at a turn and an instant.
Does not belong here: what a trap is, and what is expected (``test_traps.py``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipeline.notice_settings import Notices
from tests.reference.given import ASSET, PARTNER, Story, day
from tests.reference.merged import merged, named
from tests.tables import Tables, files_settings, open_tables

Row: TypeAlias = Mapping[str, Any]
Telling: TypeAlias = Callable[[], Story]

TARGETS: Final = (
    "freshness.positions",
    "freshness.version_lives",
    "freshness.obligations",
    "freshness.acknowledgment_classes",
    "audit.verdicts",
)
ASKED_ON_DAYS: Final = (5, 6, 8, 10, 12, 20)
TELLINGS: Final[dict[str, Telling]] = {}


def told(telling: Telling) -> Telling:
    """Register a story under its function's name."""
    TELLINGS[telling.__name__] = telling
    return telling


@dataclass(frozen=True)
class Answers:
    """All tables at each (turn, as_of); the last turn where none is named."""

    tables: Mapping[tuple[int, datetime], Mapping[str, list[Row]]]

    def rows(self, table: str, story: Telling, on_day: float, turn: int | None = None) -> list[Row]:
        """Return a table's rows of one story."""
        last = max(number for number, _ in self.tables) if turn is None else turn
        asset_id = named(story.__name__, ASSET)
        return [row for row in self.tables[last, day(on_day)][table] if row["asset_id"] == asset_id]

    def position(self, story: Telling, on_day: float, partner: str = PARTNER, turn: int | None = None) -> Row:
        """Return a partner's position with the story's asset."""
        wanted = named(story.__name__, partner)
        (row,) = [row for row in self.rows(TARGETS[0], story, on_day, turn) if row["partner_id"] == wanted]
        return row

    def lives(self, story: Telling, zone: str = "America/New_York") -> list[Row]:
        """Return the lives of the story's versions in US-CA and a zone, in their order."""
        rows = self.rows(TARGETS[1], story, ASKED_ON_DAYS[-1])
        rows = [row for row in rows if (row["region"], row["zone"]) == ("US-CA", zone)]
        return sorted(rows, key=lambda row: row["effective_at"])

    def obligations(self, story: Telling, on_day: float) -> dict[tuple[str, int, str], Row]:
        """Return the story's obligations by (partner, version, kind)."""
        found = {}
        for row in self.rows(TARGETS[2], story, on_day):
            partner = str(row["partner_id"]).removeprefix(named(story.__name__, ""))
            found[partner, row["version_no"], row["kind"]] = row
        return found

    def states(self, story: Telling, on_day: float) -> dict[tuple[str, int, str], str]:
        """Return the states of the story's obligations that were sent."""
        rows = self.obligations(story, on_day).items()
        return {key: row["state"] for key, row in rows if row["state"] != "unsent"}

    def unsent(self, story: Telling, on_day: float) -> set[tuple[str, int, str]]:
        """Return the story's obligations of which no notice was posted."""
        return {key for key, row in self.obligations(story, on_day).items() if row["state"] == "unsent"}

    def classes(self, story: Telling, on_day: float) -> list[tuple[str, str]]:
        """Return (partner of the obligation, class) in the order of the acknowledgments."""
        prefix = named(story.__name__, "")
        rows = sorted(self.rows(TARGETS[3], story, on_day), key=lambda row: (row["ack_id"], row["partner_id"]))
        return [(str(row["partner_id"]).removeprefix(prefix), row["class"]) for row in rows]

    def unsolicited(self, story: Telling, on_day: float) -> int:
        """Count the story's acknowledgments that answer nothing that was sent."""
        rows = self.tables[max(number for number, _ in self.tables), day(on_day)][TARGETS[3]]
        prefix = named(story.__name__, "")
        return sum(row["class"] == "unsolicited" and str(row["ack_id"]).startswith(prefix) for row in rows)

    def verdicts(self, story: Telling, turn: int | None = None) -> list[tuple[str, str]]:
        """Return (entitlement_now, timing_now) in the order of what happened."""
        rows = self.rows(TARGETS[4], story, 9 if turn else ASKED_ON_DAYS[-1], turn)
        rows = sorted(rows, key=lambda row: (row["occurred_at"], row["subject_id"]))
        return [(row["entitlement_now"], row["timing_now"]) for row in rows]


def answers(folder: Path) -> Answers:
    """Let every story come in, a turn for each instant of knowing, and ask on every day."""
    never = datetime(2000, 1, 1, tzinfo=UTC)
    configured = files_settings(folder / "source", notices=Notices(notify_from=never))
    found: dict[tuple[int, datetime], dict[str, list[Row]]] = {}
    with open_tables(folder, configured) as tables:
        batches = merged({name: telling() for name, telling in TELLINGS.items()})
        for number, batch in enumerate(batches, start=1):
            turn = tables.receive(batch, random.Random(number))
            is_last = number == len(batches)
            tables.compute(turn, day(9), TARGETS)
            found[number, day(9)] = snapshot(tables)
        for on_day in ASKED_ON_DAYS if is_last else ():
            tables.compute(turn, day(on_day), TARGETS, floors=("freshness", "audit"))
            found[number, day(on_day)] = snapshot(tables)
    return Answers(found)


def snapshot(tables: Tables) -> dict[str, list[Row]]:
    """Return all rows of the tables, as they are now."""
    found: dict[str, list[Row]] = {}
    for table in TARGETS:
        relation = tables.connection.sql(f"from {table}")
        found[table] = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    return found
