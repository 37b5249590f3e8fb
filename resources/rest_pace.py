"""How fast to ask: our own budget, and what the source says of its own.

Belongs here: waiting before a request, reading ``RateLimit-*`` and ``Retry-After``. Does not belong
here: trying again (``resources.rest``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Pace:
    """Lets requests through one by one, evenly, for all threads of a connection."""

    def __init__(
        self,
        requests_per_second: float,
        max_wait_seconds: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the budget; ``sleep`` and ``monotonic`` are exchanged in tests."""
        self._interval_seconds = 1 / requests_per_second
        self._max_wait_seconds = max_wait_seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._next_at = 0.0

    def wait(self) -> None:
        """Wait for the next free slot and take it."""
        with self._lock:
            now = self._monotonic()
            slot = max(now, self._next_at)
            self._next_at = slot + self._interval_seconds
        if slot > now:
            self._sleep(slot - now)

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long, where that is not too long to wait for."""
        if 0 < seconds <= self._max_wait_seconds:
            with self._lock:
                self._next_at = max(self._next_at, self._monotonic() + seconds)

    def note(self, headers: Mapping[str, str]) -> None:
        """Hold back when the source says that its window is used up."""
        remaining, reset = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
        if remaining == "0" and reset.isdecimal():
            self.hold(float(reset))


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (RFC 9110, 10.2.3): seconds, or a date, taken by the source's own clock.

    None where there is none, or none that can be read; never below 0.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(int(text)))
    except ValueError:
        until = _date(text)
        from_ = _date(headers.get("date", "")) or now
        return None if until is None else max(0.0, (until - from_).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
