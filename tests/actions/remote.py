"""A target to dispatch to: remembers every effect, fails as told, and a drain's time that only waiting moves.

Belongs here: fakes. Does not belong here: what a test asserts.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.actions.dispatch import DispatchOutcome, dispatch
from pipeline.actions.keys import action_key
from pipeline.actions.pace import Patience
from pipeline.actions.senders import Effect, Listing, Outcome, Result, Sender
from pipeline.errors import SourceError
from pipeline.ledger.journal import Draft, Journal
from pipeline.ledger.turns import Turn
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Answered, Relation

NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
TURN = Turn(1, NOW, NOW)


class FakeWaiter:
    """Time that passes by waiting only."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def elapsed_seconds(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds


@dataclass
class FakeRemote:
    """A remote; ``plan`` says what happens to an attempt: see ``post``."""

    plan: Callable[[str], str] = lambda _: "accept"
    honours_keys: bool = True
    can_look_up: bool = True
    effects: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)
    look_ups: list[Sequence[str]] = field(default_factory=list)
    fails_to_list: int = 0
    order: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def list_of(self, operation: str) -> Listing | None:
        assert operation
        return Listing("notices") if self.can_look_up else None

    def post(self, effect: Effect) -> Outcome:
        with self._lock:
            self.tries[effect.key] += 1
            self.order.append(effect.key)
            return self._answer(effect, self.plan(effect.key))

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        assert len(keys) <= listing.size
        with self._lock:
            self.look_ups.append(list(keys))
            if self.fails_to_list:
                self.fails_to_list -= 1
                raise SourceError("Looking up came to nothing.", is_transient=True)
            return {key: f"N-{key}" for key in keys if self.effects[key]}

    def _answer(self, effect: Effect, what: str) -> Outcome:
        if what == "explode":
            raise RuntimeError(effect.key)
        failure = _FAILURES.get(what)
        if failure is not None and not what.endswith("_after"):
            return failure
        is_replay = self.honours_keys and self.effects[effect.key] > 0
        self.effects[effect.key] += 0 if is_replay else 1
        return failure or Outcome(result=Result.ACCEPTED, remote_id=f"N-{effect.key}", is_replay=is_replay)


_FAILURES: Mapping[str, Outcome] = {
    "timeout_before": Outcome(result=Result.UNKNOWN, error="no answer in time"),
    "timeout_after": Outcome(result=Result.UNKNOWN, error="no answer in time"),
    "error_500": Outcome(result=Result.UNKNOWN, error="answered with 500"),
    "error_502_after": Outcome(result=Result.UNKNOWN, error="answered with 502"),
    "busy_429": Outcome(result=Result.TRANSIENT, error="answered with 429", retry_after_seconds=3),
    "busy_503": Outcome(result=Result.UNKNOWN, error="answered with 503", retry_after_seconds=3),
    "conflict_409": Outcome(result=Result.CONTESTED, error="refused with 409"),
    "conflict_422": Outcome(result=Result.CONTESTED, error="refused with 422"),
    "refuse_400": Outcome(result=Result.REJECTED, error="refused with 400"),
    "down": Outcome(result=Result.TRANSIENT, error="nobody answers there", is_target_down=True),
}


class NoWarehouse:
    """A connection whose last look has nothing against anything, unless rows are given."""

    def __init__(self, rows: Sequence[tuple[Any, ...]] = ()) -> None:
        self._rows = list(rows)

    def execute(self, query: str, parameters: object = None) -> Answered:
        raise AssertionError((query, parameters))

    def sql(self, query: str, *, params: object = None) -> Relation:
        assert "sync.action_rechecks" in query
        assert params is None
        return self

    def to_arrow_table(self) -> pa.Table:
        raise AssertionError

    @property
    def columns(self) -> list[str]:
        return ["action_key", "verdict", "reason", "remote_id"]

    @property
    def types(self) -> Sequence[object]:
        return []

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows


def decided(name: str, **changes: Any) -> Draft:
    """Return the entry of a decided notice."""
    key = action_key(name)
    data: dict[str, Any] = {
        "action_key": key,
        "pattern": "P4",
        "target_system": "trading_grid",
        "operation": "post_notice",
        "payload": {"partner_id": name, "subject": "s", "body": "b"},
        "reason": "holds_something_else_than_the_target",
        "evidence": {},
        "partner_id": name,
        "redirect_to": None,
        "asset_id": "A1",
        "version_no": "2",
        "kind": "version_change",
        "step": "initial",
        "candidate_key": name,
        "due_at": "2026-03-17T08:00:00.000000Z",
        "respond_within_seconds": "604800",
        "needs_approval": False,
        "batch": None,
        "owner": "olga@example.com",
    } | changes
    return TURN.draft("action_decided", data, source="trading_grid", source_id=key, reason=str(data["reason"]))


def new_journal(folder: Path, *drafts: Draft) -> Journal:
    """Return a journal with these entries."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder)
    journal.append(drafts)
    return journal


def drain(  # noqa: PLR0913 - what a test may change
    journal: Journal,
    remote: Sender | None,
    *,
    turn: Turn = TURN,
    rechecks: Sequence[tuple[Any, ...]] = (),
    patience_seconds: float = 1e7,
    longest_seconds: float = 1e9,
    threads: int = 4,
    waiter: FakeWaiter | None = None,
    owner: Sender | None = None,
    vip: Sender | None = None,
    targets: Mapping[str, Any] | None = None,
    **notices: Any,
) -> DispatchOutcome:
    """Drain the outbox once, with all the patience in the world."""
    sections = {"connections": {}, "notices": {"requests_per_second": 1_000} | notices, "targets": targets or {}}
    senders = {"trading_grid": remote, "owner": owner, "vip": vip}
    return dispatch(
        NoWarehouse(rechecks),
        journal,
        turn,
        Settings.model_validate(sections),
        {name: sender for name, sender in senders.items() if sender is not None},
        waiter=waiter or FakeWaiter(),
        patience=Patience(total_seconds=patience_seconds, longest_seconds=longest_seconds, threads=threads),
        dice=random.Random(7),
    )
