"""The outbox as it was published: what waits to be sent, read without opening the warehouse.

Belongs here: reading ``published/latest`` for those who only want to know whether there is work. Does not belong
here: sending (``pipeline.actions``), any decision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pipeline.actions.outbox import State
from pipeline.home import Home
from pipeline.publish import LATEST, read_manifest

_COLUMNS: Final = ["action_key", "target_system", "operation", "kind", "is_urgent", "state", "attempts", "retry_at"]
_WAITING: Final = frozenset({State.PENDING.value, State.LEASED.value, State.UNKNOWN.value})
_URGENT_KINDS: Final = frozenset({"withdrawal", "expiry"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to be sent, as of a turn; ``digest`` changes with every attempt and every new action.

    ``urgent`` of the ``actions`` are removals, or what is about safety; ``urgent_digest`` is of these alone.
    ``held_back`` more wait for something else than a drain: late data, a person's snooze.
    """

    turn_id: str
    actions: int
    digest: str
    urgent: int = 0
    urgent_digest: str = ""
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class DeadAction:
    """An action that was given up; ``death`` is another one each time."""

    death: str
    target_system: str
    operation: str


def read_waiting(home: Home, now: datetime) -> Waiting | None:
    """Return what the last snapshot says is to be sent by now; None where nothing was published yet."""
    manifest = read_manifest(home)
    if manifest is None:
        return None
    waits = {
        row["action_key"]
        for row in _rows(home, "action_rechecks", ["action_key", "verdict"])
        if row["verdict"] == "wait"
    }
    due = [row for row in _rows(home, "actions", _COLUMNS) if _is_due(row, now)]
    going = [row for row in due if row["action_key"] not in waits]
    urgent = [row for row in going if row["is_urgent"] or row["kind"] in _URGENT_KINDS]
    return Waiting(
        manifest["turn"], len(going), _digest(going), len(urgent), _digest(urgent), held_back=len(due) - len(going)
    )


def read_dead(home: Home) -> list[DeadAction]:
    """Return what the last snapshot says was given up, and nobody has decided about since."""
    if read_manifest(home) is None:
        return []
    dead = [row for row in _rows(home, "actions", _COLUMNS) if row["state"] == State.DEAD.value]
    return [DeadAction(_digest([row]), row["target_system"], row["operation"]) for row in dead]


def _rows(home: Home, table: str, columns: list[str]) -> list[dict[str, Any]]:
    import pyarrow.parquet  # it takes 50 MB, and only who asks for the outbox needs it

    path = (home.published / LATEST).resolve() / "sync" / f"{table}.parquet"
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path, columns=columns).to_pylist()
    return rows


def _digest(rows: Sequence[dict[str, Any]]) -> str:
    lines = sorted(f"{row['action_key']} {row['state']} {row['attempts']}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _is_due(row: dict[str, Any], now: datetime) -> bool:
    if row["state"] in _WAITING:
        return True
    return row["state"] == State.FAILED.value and (row["retry_at"] is None or row["retry_at"] <= now)
