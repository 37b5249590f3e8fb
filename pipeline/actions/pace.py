"""How hard a target is tried: rate, backoff, circuit breaker, and waiting.

Belongs here: these small machines, fed with time from outside. Does not belong here: what is sent.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

FIRST_BACKOFF_SECONDS: Final = 2.0
LONGEST_BACKOFF_SECONDS: Final = 3_600.0
LONGEST_RETRY_AFTER_SECONDS: Final = 86_400.0
# One request may be longer on its way than the next, and the target counts what arrives, at both ends of a second.
_MARGIN: Final = 1.02


class Waiter(Protocol):
    """Time as the dispatcher may use it."""

    def elapsed_seconds(self) -> float:
        """Return the seconds since the drain began; never less than before."""

    def wait(self, seconds: float) -> None:
        """Let so many seconds pass."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a target bears: ``lists_within_seconds`` is how long it may take to list what it has accepted."""

    requests_per_second: float
    lists_within_seconds: float
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How a drain behaves: what a person may want to change is in the configuration, the rest is here.

    ``total_seconds`` is how long a drain waits for retries that fall due, ``longest_seconds`` how long it goes on at
    all before it leaves the rest to the next one; ``settle_seconds`` after which an effect of unknown fate is first
    looked up. A batch of leases is at most ``batch_size``, and no more than its target takes in ``batch_seconds``.
    """

    total_seconds: float = 10.0
    longest_seconds: float = 900.0
    settle_seconds: float = 1.0
    threads: int = 4
    batch_size: int = 64
    batch_seconds: float = 1.0
    breaker_failures: int = 10
    breaker_seconds: float = 5.0


def backoff_seconds(failures: int, retry_after_seconds: float | None, dice: random.Random) -> float:
    """Return full jitter over 2 s, 4 s, 8 s … up to an hour, or what the target asked for where that is later."""
    ceiling = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(failures, 30))
    jittered = dice.uniform(0, ceiling)
    if retry_after_seconds is None:
        return jittered
    return asked_seconds(retry_after_seconds) + dice.uniform(0, min(FIRST_BACKOFF_SECONDS, ceiling))


def asked_seconds(retry_after_seconds: float | None) -> float:
    """Return for how long a target asked to be left alone: nothing where it did not, and a day at most."""
    return min(max(retry_after_seconds or 0.0, 0.0), LONGEST_RETRY_AFTER_SECONDS)


class Rate:
    """At most so many requests per second, evenly; callers wait their turn outside the lock.

    The first turn has to be waited for as well: a process that was killed a moment ago may have taken one.
    """

    def __init__(self, per_second: float, waiter: Waiter) -> None:
        """Start with a turn that is one interval away."""
        self._interval_seconds = _MARGIN / per_second
        self._waiter = waiter
        self._next_free_at = waiter.elapsed_seconds() + self._interval_seconds
        self._lock = threading.Lock()

    def take_turn(self) -> None:
        """Wait for the next turn."""
        with self._lock:
            now = self._waiter.elapsed_seconds()
            turn_at = max(now, self._next_free_at)
            self._next_free_at = turn_at + self._interval_seconds
        if turn_at > now:
            self._waiter.wait(turn_at - now)

    @property
    def free_at(self) -> float:
        """The second at which the next turn is to be had without waiting."""
        with self._lock:
            return self._next_free_at


class Breaker:
    """Opens after so many failures in a row; then one attempt at a time probes the target after a rest."""

    def __init__(self, failures: int, rest_seconds: float, elapsed_seconds: Callable[[], float]) -> None:
        """Start closed."""
        self._limit = failures
        self._rest_seconds = rest_seconds
        self._elapsed_seconds = elapsed_seconds
        self._in_a_row = 0
        self._closed_from = 0.0

    def note(self, *, is_failure: bool, retry_after_seconds: float | None = None) -> None:
        """Take an attempt's outcome into account; a rejection is an answer, no failure.

        ``retry_after_seconds`` is for how long the target asked to be left alone: an open breaker rests for no less.
        """
        self._in_a_row = self._in_a_row + 1 if is_failure else 0
        if self.is_open:
            self._closed_from = self._elapsed_seconds() + max(self._rest_seconds, asked_seconds(retry_after_seconds))

    def trip(self) -> None:
        """Open at once: the target said that it is down."""
        self._in_a_row = max(self._in_a_row, self._limit - 1)
        self.note(is_failure=True)

    @property
    def is_open(self) -> bool:
        """Whether only probes are let through."""
        return self._in_a_row >= self._limit

    @property
    def rests_for_seconds(self) -> float:
        """How long nothing at all is let through."""
        return max(0.0, self._closed_from - self._elapsed_seconds()) if self.is_open else 0.0
