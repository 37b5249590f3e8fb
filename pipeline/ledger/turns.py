"""Turns: one pull of everything and all that is computed from it.

Belongs here: the turn, its number and clocks, and the fold that finds the last one in the journal.
Does not belong here: the wall clock (``now`` is an argument), what a turn does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import SYSTEM_ROLE, Draft, Journal, Value

ACTOR: Final = "vipgrid"
TURN_OPENED: Final = "turn_opened"
TURN_COMPLETED: Final = "turn_completed"
RESUMED_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: ``now`` is the instant its questions are about, ``known_at`` when its records became known.

    ``is_import``: it only took in files; a sync neither resumes nor completes it.
    """

    number: int
    now: datetime
    known_at: datetime
    is_import: bool = False
    id: str = field(init=False, compare=False)
    """The turn's name in the ledger, in logs and in ``run_id`` columns."""

    def __post_init__(self) -> None:
        """Name the turn."""
        object.__setattr__(self, "id", f"T{self.number:06d}")

    def draft(
        self,
        kind: str,
        data: dict[str, Value],
        *,
        source: str | None = None,
        source_id: str | None = None,
        occurred_at: datetime | None = None,
        reason: str | None = None,
    ) -> Draft:
        """Make a journal entry of this turn, by the system itself."""
        return Draft(
            kind=kind,
            known_at=self.known_at,
            actor=ACTOR,
            role=SYSTEM_ROLE,
            run_id=self.id,
            data=data,
            source=source,
            source_id=source_id,
            occurred_at=occurred_at,
            reason=reason,
        )


@dataclass(frozen=True, slots=True)
class Turns:
    """What the journal says of turns: the last one opened, and the last one completed."""

    last: Turn | None
    last_complete: Turn | None

    @property
    def unfinished(self) -> Turn | None:
        """The last turn, where it was opened and not completed."""
        if self.last is None or (self.last_complete is not None and self.last_complete.number == self.last.number):
            return None
        return self.last


def read_turns(journal: Journal) -> Turns:
    """Fold the journal into its last turns.

    Raises:
        StateError: the journal cannot be read.

    """
    opened: dict[int, Turn] = {}
    last = complete = None
    for entry in journal.entries(frozenset({TURN_OPENED, TURN_COMPLETED})):
        number = int(entry.data["turn"])
        if entry.kind == TURN_OPENED:
            is_import = bool(entry.data.get("is_import", False))
            last = Turn(number, parse_instant(entry.data["now"]), parse_instant(entry.known_at), is_import)
            opened[number] = last
        else:
            complete = opened[number]
    return Turns(last, complete)


def open_turn(journal: Journal, now: datetime | None, wall_clock: datetime, *, is_import: bool = False) -> Turn:
    """Open the next turn, or resume the last one where it never ended and is about the same instant.

    ``now`` is what the caller asked for (None = ``wall_clock``, or an unfinished turn's instant of a moment ago).
    ``known_at`` never goes back (docs/domain.md, section 2).
    """
    turns = read_turns(journal)
    asked = wall_clock if now is None else now
    unfinished = turns.unfinished
    if unfinished is not None and unfinished.is_import == is_import:
        is_recent = timedelta(0) <= asked - unfinished.now <= RESUMED_WITHIN
        if asked == unfinished.now or (now is None and is_recent):
            return unfinished
    known_at = asked if turns.last is None else max(asked, turns.last.known_at)
    turn = Turn(1 if turns.last is None else turns.last.number + 1, asked, known_at, is_import)
    data: dict[str, Value] = {"turn": str(turn.number), "now": format_instant(asked)}
    if is_import:
        data["is_import"] = True
    journal.append([turn.draft(TURN_OPENED, data)])
    return turn


def first_turn(journal: Journal) -> Turn | None:
    """Return the very first turn: the go-live, where the configuration names no other."""
    for entry in journal.entries(frozenset({TURN_OPENED})):
        return Turn(int(entry.data["turn"]), parse_instant(entry.data["now"]), parse_instant(entry.known_at))
    return None
