"""How fast to ask: our own budget, and what the source says of its own.

Belongs here: waiting before a request, how many are under way at once, reading ``RateLimit-*`` and ``Retry-After``.
Does not belong here: trying again (``resources.rest``).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from pipeline.ingest.profile_limits import Limits

# One request may be on its way a little longer than the next: the source counts what arrives.
_MARGIN: Final = 1.01
# So much later than it was sent a request is taken to have arrived at most; more would slow down a source that dawdles.
_LATE_AT_MOST_SECONDS: Final = 0.05
_REFUSALS: Final = frozenset({429, 503})
_LONGEST_SECONDS: Final = 366 * 86_400
_DIGITS: Final = 9


@dataclass(slots=True)
class Slot:
    """A request's instant: when it went, then the latest at which it arrived."""

    at: float


class Pace:
    """Lets requests through one by one, evenly and within every budget, for all threads of a connection."""

    def __init__(
        self,
        limits: Limits,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the budgets; ``sleep`` and ``monotonic`` are exchanged in tests."""
        rate = limits.requests_per_second
        self._interval_seconds = _MARGIN / rate
        self._max_wait_seconds = limits.max_wait.total_seconds()
        self._headers = limits.rate_headers
        # A rate is a budget too: that of a second, or of the one request that it allows in longer than that.
        most = max(1, int(rate))
        budgets = [(most, most / rate), *((budget.requests, budget.per.total_seconds()) for budget in limits.budgets)]
        self._budgets = [(seconds * _MARGIN, deque[Slot](maxlen=requests)) for requests, seconds in budgets]
        self._most_at_once = limits.concurrency
        self._at_once = float(limits.concurrency)
        self._under_way = 0
        self._place = threading.Condition()
        self._sleep = sleep
        self._monotonic = monotonic
        self._gate = threading.Lock()
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._quickest_seconds = float("inf")

    @contextmanager
    def turn(self) -> Iterator[Slot]:
        """Wait for a free place and the next free slot, and hold the place."""
        with self._place:
            self._place.wait_for(lambda: self._under_way < int(self._at_once))
            self._under_way += 1
        try:
            yield self.wait()
        finally:
            with self._place:
                self._under_way -= 1
                self._place.notify()

    def wait(self) -> Slot:
        """Wait for the next free slot and take it, one thread after the other: each has to know when the last went."""
        with self._gate:
            waited_for = 0.0
            while True:
                with self._lock:
                    now = self._monotonic()
                    free_at = max(self._next_at, *(self._free_at(per, taken) for per, taken in self._budgets))
                    # While it slept, something may have happened that makes it wait for longer.
                    if free_at <= max(now, waited_for):
                        return self._taken(max(free_at, waited_for) if waited_for else now, now)
                self._sleep(free_at - now)
                waited_for = free_at

    def answered(self, slot: Slot) -> None:
        """Note that an answer begins: its request arrived no later than the quickest answer takes before that."""
        with self._lock:
            took = self._monotonic() - slot.at
            self._quickest_seconds = min(self._quickest_seconds, took)
            slot.at += min(took - self._quickest_seconds, _LATE_AT_MOST_SECONDS)

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long, where that is not too long to wait for."""
        if 0 < seconds <= self._max_wait_seconds:
            with self._lock:
                self._next_at = max(self._next_at, self._monotonic() + seconds)

    def adapt(self, status: int) -> None:
        """Ask half as much at once after a refusal; one more at once after as many answers as that is."""
        with self._place:
            if status in _REFUSALS:
                self._at_once = max(1.0, self._at_once / 2)
            elif self._at_once < self._most_at_once:
                self._at_once = min(float(self._most_at_once), self._at_once + 1 / self._at_once)
                self._place.notify()

    def note(self, headers: Mapping[str, str], now: datetime) -> None:
        """Hold back when the source says that its budget is used up."""
        remaining = headers.get(self._headers.remaining, "").strip()
        reset = headers.get(self._headers.reset, "").strip()
        if not _is_number(remaining) or remaining.strip("0") or not _is_number(reset):
            return
        match self._headers.reset_is:
            case "seconds":
                self.hold(float(reset))
            case "epoch_seconds":
                self.hold(float(reset) - now.timestamp())
            case "epoch_milliseconds":
                self.hold(float(reset) / 1000 - now.timestamp())

    def _taken(self, planned_at: float, now: float) -> Slot:
        slot = Slot(max(planned_at, now))
        self._next_at = planned_at + self._interval_seconds
        for _, taken in self._budgets:
            taken.append(slot)
        return slot

    @staticmethod
    def _free_at(per_seconds: float, taken: deque[Slot]) -> float:
        return taken[0].at + per_seconds if len(taken) == taken.maxlen else 0.0


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds, or a date, taken by the source's own clock.

    None where there is none, or none that can be read; never below 0, and never above a year.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    sign, digits = text[:1] if text[:1] in {"+", "-"} else "", text.lstrip("+-").lstrip("0") or "0"
    if _is_number(text.removeprefix(sign)):
        seconds = _LONGEST_SECONDS if len(digits) > _DIGITS else int(digits)
        return 0.0 if sign == "-" else float(min(seconds, _LONGEST_SECONDS))
    until = _date(text)
    from_ = _date(headers.get("date", "")) or now
    return None if until is None else min(max(0.0, (until - from_).total_seconds()), float(_LONGEST_SECONDS))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
