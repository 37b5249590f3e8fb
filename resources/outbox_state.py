"""The outbox as it was published: what waits to be sent, read without opening the warehouse.

Belongs here: reading ``published/latest`` for those who only want to know whether there is work. Does not belong
here: sending (``pipeline.actions``), any decision.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow.parquet

from pipeline.actions.outbox import State
from pipeline.home import Home
from pipeline.publish import LATEST, read_manifest

_COLUMNS: Final = ["action_key", "state", "attempts", "retry_at"]
_WAITING: Final = frozenset({State.PENDING.value, State.LEASED.value, State.UNKNOWN.value})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is to be sent, as of a turn; ``digest`` changes with every attempt and every new action."""

    turn_id: str
    actions: int
    digest: str


def read_waiting(home: Home, now: datetime) -> Waiting | None:
    """Return what the last snapshot says is to be sent by now; None where nothing was published yet."""
    manifest = read_manifest(home)
    if manifest is None:
        return None
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(
        (home.published / LATEST).resolve() / "sync" / "actions.parquet", columns=_COLUMNS
    ).to_pylist()
    due = sorted(f"{row['action_key']} {row['state']} {row['attempts']}" for row in rows if _is_due(row, now))
    return Waiting(manifest["turn"], len(due), hashlib.sha256("\n".join(due).encode()).hexdigest()[:16])


def _is_due(row: dict[str, Any], now: datetime) -> bool:
    if row["state"] in _WAITING:
        return True
    return row["state"] == State.FAILED.value and (row["retry_at"] is None or row["retry_at"] <= now)
