"""One target's queue in a drain: lease, send, record, look up, wait, again.

Belongs here: the order of these steps, each outcome's entry. Does not belong here: which actions are open and
allowed (``dispatch``), how an attempt is made (a ``Sender``).

A batch of leases is one fsync, its outcomes are another. In between the process may die: the leases are then
found by the next drain, become ``unknown``, and are looked up, many keys in one request, before anything is sent again.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pipeline.actions.book import Book
from pipeline.actions.candidates import Recheck
from pipeline.actions.decide import is_worded_too_long_ago
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
from pipeline.actions.pace import Breaker, Patience, Rate, Waiter, backoff_seconds
from pipeline.actions.senders import Effect, Outcome, Result, Sender
from pipeline.errors import SourceError
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn

MAX_ERROR_CHARACTERS: Final = 500
_URGENT_KINDS: Final = ("withdrawal", "expiry")


@dataclass(slots=True)
class Tally:
    """What a drain did so far; ``down`` has a target's own failure by its name."""

    sent: int = 0
    suppressed: int = 0
    dead: int = 0
    requests: int = 0
    down: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What all targets of a drain share."""

    book: Book
    turn: Turn
    waiter: Waiter
    patience: Patience
    dice: random.Random
    max_attempts: int
    tally: Tally

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


class TargetDrain:
    """One target's queues: ``ready`` to be sent, ``later`` by the drain's second, ``unsure`` to be looked up."""

    def __init__(
        self,
        drain: Drain,
        target: str,
        sender: Sender,
        rechecks: Mapping[str, Recheck],
        rate: Rate,
        breaker: Breaker,
    ) -> None:
        """Sort the open actions into the queues."""
        self._drain = drain
        self._target = target
        self._sender = sender
        self._rechecks = rechecks
        self._rate = rate
        self._breaker = breaker
        self._ready: deque[Action] = deque()
        self._later: list[tuple[float, int, Action]] = []
        self._unsure: list[tuple[float, int, Action]] = []
        self._look_up_failures = 0
        self._waited_seconds = 0.0
        self._sort_in()

    def run(self) -> None:
        """Carry out what is due, and what falls due while the patience lasts."""
        with ThreadPoolExecutor(self._drain.patience.threads, thread_name_prefix=self._target) as threads:
            while True:
                self._take_over_due()
                if self._breaker.rests_for_seconds == 0:
                    if self._look_up_due():
                        continue
                    batch = self._lease()
                    if batch:
                        self._send(batch, threads)
                        continue
                if not self._wait():
                    return

    def _sort_in(self) -> None:
        outbox = self._drain.book.outbox
        waiting = outbox.in_state(State.PENDING, State.FAILED, State.UNKNOWN)
        own = [action for action in waiting if action.target_system == self._target]
        own.sort(key=lambda action: (action.data.get("kind") not in _URGENT_KINDS, action.seq))
        for action in own:
            if action.state is State.UNKNOWN and self._sender.can_look_up:
                heapq.heappush(self._unsure, (self._second_of(action.retry_at), action.seq, action))
            elif action.key in self._rechecks or is_worded_too_long_ago(action, self._drain.turn.now):
                continue
            elif action.state is State.PENDING:
                self._ready.append(action)
            else:
                heapq.heappush(self._later, (self._second_of(action.retry_at), action.seq, action))

    def _second_of(self, instant: datetime | None) -> float:
        return 0.0 if instant is None else (instant - self._drain.turn.now).total_seconds()

    def _take_over_due(self) -> None:
        now = self._drain.waiter.elapsed_seconds()
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])

    def _wait(self) -> bool:
        """Wait for what falls due next; False where nothing does within the patience."""
        now = self._drain.waiter.elapsed_seconds()
        falls_due = [queue[0][0] for queue in (self._later, self._unsure) if queue]
        if self._ready:
            falls_due.append(now)
        if not falls_due:
            return False
        seconds = max(min(falls_due) - now, self._breaker.rests_for_seconds, 0.001)
        if self._waited_seconds + seconds > self._drain.patience.total_seconds:
            return False
        self._waited_seconds += seconds
        self._drain.waiter.wait(seconds)
        return True

    def _lease(self) -> list[Action]:
        size = 1 if self._breaker.is_open else self._drain.patience.batch_size
        batch = [self._ready.popleft() for _ in range(min(size, len(self._ready)))]
        self._drain.book.write(
            [self._drain.entry(ACTION_LEASED, action, {"attempt": str(action.attempts + 1)}) for action in batch]
        )
        return batch

    def _send(self, batch: Sequence[Action], threads: ThreadPoolExecutor) -> None:
        self._drain.tally.requests += len(batch)
        outcomes = list(threads.map(self._attempt, batch))
        self._drain.book.write(
            [self._entry_of(action, outcome) for action, outcome in zip(batch, outcomes, strict=True)]
        )
        for action, outcome in zip(batch, outcomes, strict=True):
            self._note(action, outcome)

    def _attempt(self, action: Action) -> Outcome:
        self._rate.take_turn()
        try:
            return self._sender.post(Effect(action.key, action.operation, action.payload))
        except Exception as error:  # noqa: BLE001 - one action's failure is no other's; what it did is unknown
            return Outcome(result=Result.UNKNOWN, error=f"the attempt failed inside: {type(error).__name__}")

    def _entry_of(self, action: Action, outcome: Outcome) -> Draft:
        entry = self._drain.entry
        error = (outcome.error or "no reason was given")[:MAX_ERROR_CHARACTERS]
        if outcome.result is Result.ACCEPTED:
            how = "replayed" if outcome.is_replay else "posted"
            return entry(ACTION_SENT, action, {"remote_id": outcome.remote_id, "how": how})
        if outcome.result is Result.REJECTED:
            return entry(ACTION_DEAD, action, {"error": error})
        counts = not outcome.is_target_down
        failures = action.counted_failures + counts
        may_be_there = outcome.result is not Result.TRANSIENT
        if failures >= self._drain.max_attempts and not (may_be_there and self._sender.can_look_up):
            return entry(ACTION_DEAD, action, {"error": error})
        if may_be_there and self._sender.can_look_up:
            seconds = max(self._drain.patience.settle_seconds, outcome.retry_after_seconds or 0)
        else:
            seconds = backoff_seconds(failures, outcome.retry_after_seconds, self._drain.dice)
        kind = ACTION_UNKNOWN if may_be_there else ACTION_FAILED
        retry_at = self._drain.instant_after(seconds)
        return entry(kind, action, {"error": error, "retry_at": retry_at, "counts": counts})

    def _note(self, action: Action, outcome: Outcome) -> None:
        """Take an outcome into account: the breaker, the tally, and the queue that the action waits in now."""
        if outcome.is_target_down:
            self._breaker.trip()
            self._drain.tally.down[self._target] = outcome.error or "it is down"
        else:
            self._breaker.note(is_failure=outcome.result in {Result.TRANSIENT, Result.UNKNOWN})
        if action.state is State.SENT:
            self._drain.tally.sent += 1
        elif action.state is State.DEAD:
            self._drain.tally.dead += 1
        else:
            is_unsure = action.state is State.UNKNOWN and self._sender.can_look_up
            queue = self._unsure if is_unsure else self._later
            heapq.heappush(queue, (self._second_of(action.retry_at), action.seq, action))

    def _look_up_due(self) -> bool:
        """Look up what is unsure for long enough, once there is nothing else to do or a request is full."""
        now = self._drain.waiter.elapsed_seconds()
        size = self._drain.patience.look_up_size
        if not self._unsure or self._unsure[0][0] > now or (self._ready and len(self._unsure) < size):
            return False
        asked: list[Action] = []
        while self._unsure and self._unsure[0][0] <= now and len(asked) < size:
            asked.append(heapq.heappop(self._unsure)[2])
        self._rate.take_turn()
        self._drain.tally.requests += 1
        try:
            found = self._sender.look_up([action.key for action in asked])
        except SourceError as error:
            self._look_up_failures += 1
            self._breaker.note(is_failure=True)
            self._drain.tally.down[self._target] = str(error)
            again_at = now + backoff_seconds(self._look_up_failures, None, self._drain.dice)
            for action in asked:
                heapq.heappush(self._unsure, (again_at, action.seq, action))
            return True
        self._look_up_failures = 0
        self._breaker.note(is_failure=False)
        self._settle(asked, found)
        return True

    def _settle(self, asked: Sequence[Action], found: Mapping[str, str]) -> None:
        """Record what was found; what was not is sent again, unless something speaks against it."""
        drafts: list[Draft] = []
        for action in asked:
            recheck = self._rechecks.get(action.key)
            if action.key in found:
                self._drain.tally.sent += 1
                drafts.append(self._drain.entry(ACTION_SENT, action, {"remote_id": found[action.key], "how": "found"}))
            elif recheck is not None and recheck.verdict == "suppress":
                self._drain.tally.suppressed += 1
                drafts.append(self._drain.suppression(action, recheck.reason))
            elif action.counted_failures >= self._drain.max_attempts:
                self._drain.tally.dead += 1
                error = action.last_error or "no answer, and it is not there"
                drafts.append(self._drain.entry(ACTION_DEAD, action, {"error": error}))
            elif recheck is None:
                backoff = backoff_seconds(action.counted_failures, None, self._drain.dice)
                again_at = self._drain.waiter.elapsed_seconds() + backoff
                heapq.heappush(self._later, (again_at, action.seq, action))
        self._drain.book.write(drafts)
