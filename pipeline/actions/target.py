"""One target's queue in a drain: lease, send, record, look up, wait, again.

Belongs here: the order of these steps, each outcome's entry. Does not belong here: which actions are open and
allowed (``dispatch``), the queues (``queues``), how an attempt is made (a ``Sender``).

A batch of leases is one fsync, its outcomes are another. In between the process may die: the leases are then
found by the next drain, become ``unknown``, and are looked up, many keys in one request, before anything is sent again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pipeline.actions.book import Book
from pipeline.actions.candidates import Recheck
from pipeline.actions.outbox import (
    ACTION_DEAD,
    ACTION_FAILED,
    ACTION_LEASED,
    ACTION_SENT,
    ACTION_SUPPRESSED,
    ACTION_UNKNOWN,
    Action,
    State,
)
from pipeline.actions.pace import (
    Breaker,
    Limits,
    Patience,
    Rate,
    Waiter,
    asked_seconds,
    backoff_seconds,
)
from pipeline.actions.queues import Queues
from pipeline.actions.senders import Effect, Listing, Outcome, Result, Sender
from pipeline.actions.wording import is_worded_too_long_ago
from pipeline.errors import SourceError
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn

MAX_ERROR_CHARACTERS: Final = 500


@dataclass(slots=True)
class Tally:
    """What a drain did so far; ``down`` has a target's own failure by its name."""

    sent: int = 0
    suppressed: int = 0
    dead: int = 0
    requests: int = 0
    left_over: int = 0
    down: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What all targets of a drain share."""

    book: Book
    turn: Turn
    waiter: Waiter
    patience: Patience
    dice: random.Random
    tally: Tally
    threads: ThreadPoolExecutor

    def entry(self, kind: str, action: Action, data: Mapping[str, Value]) -> Draft:
        """Return an entry about an action."""
        return self.turn.draft(
            kind, {"action_key": action.key, **data}, source=action.target_system, source_id=action.key
        )

    def suppression(self, action: Action, reason: str) -> Draft:
        """Return the entry that ends an action unsent."""
        return self.entry(ACTION_SUPPRESSED, action, {"reason": reason})

    def instant_after(self, seconds: float) -> str:
        """Return the instant so many seconds from now, by this drain's clock."""
        return format_instant(self.turn.now + timedelta(seconds=self.waiter.elapsed_seconds() + seconds))

    def second_of(self, instant: datetime | None) -> float:
        """Return an instant as a second of this drain's clock; what has none is due at once."""
        return 0.0 if instant is None else (instant - self.turn.now).total_seconds()


@dataclass(frozen=True, slots=True)
class Due:
    """When a target has something to do next; ``is_idle`` where it waits for that, and not for its rate only."""

    second: float
    is_idle: bool


class TargetDrain:
    """One target's turn in a drain, taken step by step."""

    def __init__(
        self, drain: Drain, target: str, sender: Sender, rechecks: Mapping[str, Recheck], limits: Limits
    ) -> None:
        """Sort the open actions into the queues."""
        self._drain = drain
        self._target = target
        self._sender = sender
        self._rechecks = rechecks
        self._limits = limits
        self._rate = Rate(limits.requests_per_second, drain.waiter)
        patience = drain.patience
        self._breaker = Breaker(patience.breaker_failures, patience.breaker_seconds, drain.waiter.elapsed_seconds)
        self._batch_size = max(1, min(patience.batch_size, int(limits.requests_per_second * patience.batch_seconds)))
        self._queues = Queues()
        self._look_up_failures = 0
        self._is_down = False
        self._sort_in()

    def step(self) -> bool:
        """Do one thing that is due: a look-up, or a batch of attempts; False where nothing is."""
        now = self._drain.waiter.elapsed_seconds()
        self._queues.take_over_due(now)
        if self._breaker.rests_for_seconds > 0 or (self._queues.ready and self._rate.free_at > now):
            return False
        due = self._queues.take_unsure()
        if due is not None:
            self._look_up(*due)
            return True
        batch = self._lease()
        if batch:
            self._send(batch)
        return bool(batch)

    def falls_due(self) -> Due | None:
        """Say when there is something to do next; None where nothing is left for this drain."""
        now = self._drain.waiter.elapsed_seconds()
        rests_until = now + self._breaker.rests_for_seconds
        if self._queues.ready:
            return Due(max(self._rate.free_at, rests_until), is_idle=rests_until > now)
        second = self._queues.next_second(now)
        return None if second is None else Due(max(second, rests_until), is_idle=True)

    @property
    def left_over(self) -> int:
        """How many are ready, and were not tried."""
        return self._queues.ready

    def _sort_in(self) -> None:
        outbox = self._drain.book.outbox
        for action in outbox.in_state(State.PENDING, State.FAILED, State.UNKNOWN):
            if action.target_system != self._target:
                continue
            listing = self._sender.list_of(action.operation)
            if action.state is State.UNKNOWN and listing is not None:
                self._queues.put_unsure(listing, self._drain.second_of(action.retry_at), action)
            elif action.key in self._rechecks or is_worded_too_long_ago(action, self._drain.turn.now):
                continue
            elif action.state is not State.PENDING:
                self._queues.put_later(self._drain.second_of(action.retry_at), action)
            elif listing is not None and (action.was_ever_leased or outbox.was_restored):
                # An earlier life of this action, or of this ledger, may have sent it.
                self._queues.put_unsure(listing, 0.0, action)
            else:
                self._queues.put_ready(action)

    def _lease(self) -> list[Action]:
        batch = self._queues.take_ready(1 if self._breaker.is_open else self._batch_size)
        self._drain.book.write(
            [self._drain.entry(ACTION_LEASED, action, {"attempt": str(action.attempts + 1)}) for action in batch]
        )
        return batch

    def _send(self, batch: Sequence[Action]) -> None:
        self._is_down = False
        outcomes = list(self._drain.threads.map(self._attempt, batch))
        self._drain.tally.requests += sum(1 for outcome in outcomes if outcome is not None)
        pairs = list(zip(batch, outcomes, strict=True))
        self._drain.book.write([self._entry_of(action, outcome) for action, outcome in pairs])
        for action, outcome in pairs:
            self._note(action, outcome)

    def _attempt(self, action: Action) -> Outcome | None:
        """Try once; None where another one of the batch has just found the target down."""
        self._rate.take_turn()
        if self._is_down:
            return None
        try:
            outcome = self._sender.post(Effect(action.key, action.operation, action.payload))
        except Exception as error:  # noqa: BLE001 - one action's failure is no other's; what it did is unknown
            return Outcome(result=Result.UNKNOWN, error=f"the attempt failed inside: {type(error).__name__}")
        self._is_down = self._is_down or outcome.is_target_down
        return outcome

    def _entry_of(self, action: Action, outcome: Outcome | None) -> Draft:
        entry = self._drain.entry
        if outcome is None:
            data: dict[str, Value] = {"error": "not tried, because the target is down", "counts": False}
            return entry(ACTION_FAILED, action, {**data, "retry_at": self._drain.instant_after(0)})
        error = (outcome.error or "no reason was given")[:MAX_ERROR_CHARACTERS]
        if outcome.result is Result.ACCEPTED:
            how = "replayed" if outcome.is_replay else "posted"
            return entry(ACTION_SENT, action, {"remote_id": outcome.remote_id, "how": how})
        if outcome.result is Result.REJECTED:
            return entry(ACTION_DEAD, action, {"error": error})
        counts = not outcome.is_target_down
        failures = action.counted_failures + counts
        may_be_there = outcome.result is not Result.TRANSIENT
        is_unsure = may_be_there and self._sender.list_of(action.operation) is not None
        if failures >= self._limits.max_attempts and not is_unsure:
            return entry(ACTION_DEAD, action, {"error": error})
        times = self._times(failures, outcome, is_unsure=is_unsure)
        kind = ACTION_UNKNOWN if may_be_there else ACTION_FAILED
        return entry(kind, action, {"error": error, "counts": counts, **times})

    def _times(self, failures: int, outcome: Outcome, *, is_unsure: bool) -> dict[str, Value]:
        """Say when it is tried again, or looked up: soon, because it may be there.

        Where it is not, it is sent again no sooner than it would be listed, and than any other failure is tried again.
        """
        again_seconds = backoff_seconds(failures, outcome.retry_after_seconds, self._drain.dice)
        if not is_unsure:
            return {"retry_at": self._drain.instant_after(again_seconds)}
        look_up_seconds = max(self._drain.patience.settle_seconds, asked_seconds(outcome.retry_after_seconds))
        absent_seconds = max(look_up_seconds, self._limits.lists_within_seconds, again_seconds)
        return {
            "retry_at": self._drain.instant_after(look_up_seconds),
            "absent_from": self._drain.instant_after(absent_seconds),
        }

    def _note(self, action: Action, outcome: Outcome | None) -> None:
        """Take an outcome into account: the breaker, the tally, and the queue that the action waits in now."""
        if outcome is not None and outcome.is_target_down:
            self._breaker.trip()
            self._drain.tally.down[self._target] = outcome.error or "it is down"
        elif outcome is not None:
            is_failure = outcome.result in {Result.TRANSIENT, Result.UNKNOWN}
            self._breaker.note(is_failure=is_failure, retry_after_seconds=outcome.retry_after_seconds)
        listing = self._sender.list_of(action.operation)
        if action.state is State.SENT:
            self._drain.tally.sent += 1
        elif action.state is State.DEAD:
            self._drain.tally.dead += 1
        elif action.state is State.UNKNOWN and listing is not None:
            self._queues.put_unsure(listing, self._drain.second_of(action.retry_at), action)
        elif outcome is None or outcome.result is not Result.CONTESTED:
            self._queues.put_later(self._drain.second_of(action.retry_at), action)
        # What is contested and listed nowhere waits for the next drain, which knows what the target looks like by then.

    def _look_up(self, listing: Listing, asked: Sequence[Action]) -> None:
        self._rate.take_turn()
        self._drain.tally.requests += 1
        try:
            found = self._sender.look_up(listing, [action.key for action in asked])
        except Exception as error:  # noqa: BLE001 - whatever its list answers, the rest goes on
            self._look_up_failures += 1
            self._breaker.note(is_failure=True)
            is_said = isinstance(error, SourceError)
            self._drain.tally.down[self._target] = (
                str(error) if is_said else f"looking up failed: {type(error).__name__}"
            )
            again_at = self._drain.waiter.elapsed_seconds()
            again_at += backoff_seconds(self._look_up_failures, None, self._drain.dice)
            for action in asked:
                self._queues.put_unsure(listing, again_at, action)
            return
        self._look_up_failures = 0
        self._breaker.note(is_failure=False)
        settled = [self._settled(listing, action, found.get(action.key)) for action in asked]
        self._drain.book.write([draft for draft in settled if draft is not None])

    def _settled(self, listing: Listing, action: Action, remote_id: str | None) -> Draft | None:
        """Return what is known now; what is not there is sent again, unless something speaks against it."""
        now = self._drain.waiter.elapsed_seconds()
        recheck = self._rechecks.get(action.key)
        if remote_id is not None:
            self._drain.tally.sent += 1
            return self._drain.entry(ACTION_SENT, action, {"remote_id": remote_id, "how": "found"})
        if self._drain.second_of(action.absent_from) > now:
            self._queues.put_unsure(listing, self._drain.second_of(action.absent_from), action)
            return None
        if recheck is not None and recheck.verdict == "suppress":
            self._drain.tally.suppressed += 1
            return self._drain.suppression(action, recheck.reason)
        if action.counted_failures >= self._limits.max_attempts:
            self._drain.tally.dead += 1
            error = action.last_error or "no answer, and it is not there"
            return self._drain.entry(ACTION_DEAD, action, {"error": error})
        if recheck is None:
            self._queues.put_ready(action)
        return None
