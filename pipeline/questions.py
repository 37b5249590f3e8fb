"""What is asked where a reader names when something was known.

Belongs here: which turn knew it, and what that turn was about. Does not belong here: answering
(``pipeline.sqlmodels.asking``).

Everything becomes known by a turn, so between two turns nothing else was known than at the earlier one: an instant
between them, and one that no turn has reached yet, stand for the turn before. So the same instant asks the same
question for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.sqlmodels.asking import WAREHOUSE
from pipeline.sqlmodels.relations import Connection, Question


@dataclass(frozen=True, slots=True)
class Known:
    """The question of a turn, and the ledger's entry that completed it; None = the ledger as it is."""

    question: Question
    last_seq: int | None = None


def known_by(connection: Connection, last: Question, known_at: datetime | None) -> Known:
    """Return the last turn that was complete by ``known_at``; None asks for what is known now, which is ``last``."""
    if known_at is None:
        return Known(last)
    turns = connection.sql(
        f"select turns.now, turns.known_at, max(entries.seq) from {WAREHOUSE}.ops.turns as turns"  # noqa: S608 - names of ours
        f" inner join {WAREHOUSE}.ledger.entries as entries on entries.run_id = turns.turn_id"
        " where entries.kind = 'turn_completed' and turns.known_at <= $known_at"
        " group by turns.turn_no, turns.now, turns.known_at order by turns.turn_no desc limit 1",
        params={"known_at": known_at},
    ).fetchall()
    if not turns:
        return Known(Question(known_at, known_at))
    now, known, seq = turns[0]
    return Known(Question(now, known), int(seq))
