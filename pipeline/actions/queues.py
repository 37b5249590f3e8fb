"""A target's queues: what is ready to be sent, what is for later, what is unsure and has to be looked up.

Belongs here: their order. Does not belong here: what is put where (``target``).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator

from pipeline.actions.outbox import Action
from pipeline.actions.senders import Listing

_Timed = tuple[float, int, Action]


class Queues:
    """Seconds are those of the drain's clock."""

    def __init__(self) -> None:
        """Start empty."""
        self._ready: list[tuple[bool, int, Action]] = []
        self._later: list[_Timed] = []
        self._unsure: dict[Listing, list[_Timed]] = {}
        self._to_look_up: dict[Listing, deque[Action]] = {}

    @property
    def ready(self) -> int:
        """How many could be sent now."""
        return len(self._ready)

    def put_ready(self, action: Action) -> None:
        """Put what may be sent at once: the urgent first, then as decided."""
        heapq.heappush(self._ready, (not action.is_urgent, action.seq, action))

    def put_later(self, second: float, action: Action) -> None:
        """Put what may be sent from a second on."""
        heapq.heappush(self._later, (second, action.seq, action))

    def put_unsure(self, listing: Listing, second: float, action: Action) -> None:
        """Put what is to be looked up from a second on."""
        heapq.heappush(self._unsure.setdefault(listing, []), (second, action.seq, action))

    def take_over_due(self, now: float) -> None:
        """Make ready, or to be looked up, what has fallen due."""
        for action in _due(self._later, now):
            self.put_ready(action)
        for listing, queue in self._unsure.items():
            self._to_look_up.setdefault(listing, deque()).extend(_due(queue, now))

    def take_ready(self, size: int) -> list[Action]:
        """Take at most so many that are ready."""
        return [heapq.heappop(self._ready)[2] for _ in range(min(size, len(self._ready)))]

    def take_unsure(self) -> tuple[Listing, list[Action]] | None:
        """Take what is to be looked up in one request: where it is full, or where nothing is ready to be sent."""
        for listing, waiting in self._to_look_up.items():
            if len(waiting) >= (listing.size if self._ready else 1):
                return listing, [waiting.popleft() for _ in range(min(listing.size, len(waiting)))]
        return None

    def next_second(self, now: float) -> float | None:
        """Return when something of what waits falls due."""
        if any(self._to_look_up.values()):
            return now
        waiting = [queue[0][0] for queue in (self._later, *self._unsure.values()) if queue]
        return min(waiting, default=None)


def _due(queue: list[_Timed], now: float) -> Iterator[Action]:
    while queue and queue[0][0] <= now:
        yield heapq.heappop(queue)[2]
