"""A hostile target: accepts and says nothing, refuses, is busy, lists late, ignores keys, dies and comes back.

Belongs here: what such a server does to a write and a look-up, by its own clock, and what it saw. Does not belong
here: how it is reached (in this process below; over HTTP: ``tests.actions.hostile_http``), what a test asserts.
"""

from __future__ import annotations

import random
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.errors import SourceError

# What becomes of a write that is hit by a fault; "after": it had its effect all the same.
FAULTS = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "500",
    "502_after",
    "503",
    "429",
    "409",
    "422",
)
LISTING = Listing("notices")


@dataclass(frozen=True)
class Reply:
    """What happens to one write: the fault that hits it, or none; whether the server says that it is a replay."""

    fault: str | None
    is_replay: bool = False


@dataclass
class Hostile:
    """The server's side; ``is_down`` says of an instant of its clock whether nobody answers then."""

    dice: random.Random
    clock: Callable[[], float]
    share: float = 0.3
    honours_keys: bool = True
    lists: bool = True
    lists_after_seconds: float = 0.0
    is_down: Callable[[float], bool] = lambda _: False
    effects: Counter[str] = field(default_factory=Counter)
    arrivals: list[float] = field(default_factory=list)
    refused: int = 0
    _listed_from: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def accepts_connections(self) -> bool:
        """Say whether somebody answers; counts those who knock in vain."""
        if self.is_down(self.clock()):
            with self._lock:
                self.refused += 1
            return False
        return True

    def write(self, key: str) -> Reply:
        """Take one write."""
        with self._lock:
            self.arrivals.append(self.clock())
            fault = self.dice.choice(FAULTS) if self.dice.random() < self.share else None
            if fault is not None and not fault.endswith("_after"):
                return Reply(fault)
            is_replay = self.honours_keys and self.effects[key] > 0
            if not is_replay:
                self.effects[key] += 1
                listed_from = self.clock() + self.dice.random() * self.lists_after_seconds
                self._listed_from.setdefault(key, listed_from)
            return Reply(fault, is_replay)

    def look_up(self, keys: Sequence[str]) -> dict[str, str] | None:
        """Answer which keys are there and listed by now; None where the look-up itself is hit by a fault."""
        with self._lock:
            now = self.clock()
            self.arrivals.append(now)
            if self.dice.random() < self.share:
                return None
            return {key: f"N-{key}" for key in keys if self._listed_from.get(key, now + 1) <= now}

    @property
    def requests(self) -> int:
        """Everything that was asked of it, those who knocked in vain included."""
        return len(self.arrivals) + self.refused

    def most_in_a_second(self) -> int:
        """Return the largest number of requests in any one second, by its own clock."""
        stamps = sorted(self.arrivals)
        return max((bisect_right(stamps, stamp + 1.0) - n for n, stamp in enumerate(stamps)), default=0)


class VirtualTime:
    """Time that passes by waiting only, over the lives of several dispatchers; each counts from its own start."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def waiter(self) -> VirtualWaiter:
        return VirtualWaiter(self, self.seconds)


@dataclass(frozen=True)
class VirtualWaiter:
    """One dispatcher's clock."""

    time: VirtualTime
    started: float

    def elapsed_seconds(self) -> float:
        return self.time.seconds - self.started

    def wait(self, seconds: float) -> None:
        self.time.pass_by(seconds)


@dataclass
class HostileSender:
    """The dispatcher's door to a hostile server in this process; an answer that never comes costs time."""

    server: Hostile
    time: VirtualTime
    timeout_seconds: float = 2.0
    dies: Callable[[str], None] = lambda _: None

    def list_of(self, operation: str) -> Listing | None:
        assert operation
        return LISTING if self.server.lists else None

    def post(self, effect: Effect) -> Outcome:
        if not self.server.accepts_connections():
            return Outcome(result=Result.TRANSIENT, error="nobody answers there", is_target_down=True)
        self.dies("before")
        reply = self.server.write(effect.key)
        self.dies("after")
        if reply.fault is None:
            return Outcome(result=Result.ACCEPTED, remote_id=f"N-{effect.key}", is_replay=reply.is_replay)
        if reply.fault.startswith("timeout"):
            self.time.pass_by(self.timeout_seconds)
        return _OUTCOMES[reply.fault.partition("_")[0]]

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        assert len(keys) <= listing.size
        found = self.server.look_up(keys) if self.server.accepts_connections() else None
        if found is None:
            raise SourceError("Looking up came to nothing.", is_transient=True)
        return found


_OUTCOMES: Mapping[str, Outcome] = {
    "timeout": Outcome(result=Result.UNKNOWN, error="no answer in time"),
    "reset": Outcome(result=Result.UNKNOWN, error="the connection broke"),
    "500": Outcome(result=Result.UNKNOWN, error="answered with 500"),
    "502": Outcome(result=Result.UNKNOWN, error="answered with 502"),
    "503": Outcome(result=Result.UNKNOWN, error="answered with 503", retry_after_seconds=3),
    "429": Outcome(result=Result.TRANSIENT, error="answered with 429", retry_after_seconds=3),
    "409": Outcome(result=Result.CONTESTED, error="refused with 409"),
    "422": Outcome(result=Result.CONTESTED, error="refused with 422"),
}
