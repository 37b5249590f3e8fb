"""What the dispatcher needs of a target: post once, and look up what is there.

Belongs here: the protocol and the outcomes. Does not belong here: HTTP, mail (``resources``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Result(StrEnum):
    """What is known of an attempt.

    ``transient``: it had no effect, and may have one later. ``unknown``: it may have had its effect.
    ``rejected``: it had no effect, and will have none. ``contested``: refused, perhaps because an earlier attempt had
    the effect or is about to have it; handled like ``unknown``, because only looking up tells.
    """

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CONTESTED = "contested"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one attempt; ``error`` is a sentence without secrets and bodies.

    ``is_replay``: the target says that it had done so before. ``is_target_down``: the failure says nothing about
    this action (no connection, wrong credentials), so it is not counted against it.
    """

    result: Result
    remote_id: str | None = None
    error: str | None = None
    retry_after_seconds: float | None = None
    is_replay: bool = False
    is_target_down: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What is to be done: ``key`` makes it the same effect however often it is tried."""

    key: str
    operation: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that tells which of our keys are there; ``size`` is how many may be asked for in one request."""

    name: str
    size: int = 50


class Sender(Protocol):
    """A target's door; ``post`` is called from several threads at once."""

    def list_of(self, operation: str) -> Listing | None:
        """Return the list that shows what an operation made there under our keys; None where there is none."""

    def post(self, effect: Effect) -> Outcome:
        """Try once. What may have happened is told in the outcome, never raised."""

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the remote ids of those effects that the list shows, by key, in one request.

        Raises:
            SourceError: it could not be asked; nothing is known.

        """
