"""The wall clock: the one place where it is read.

Belongs here: this machine's clock, and the clock of a tenant that lives at another time (the sandbox).
Does not belong here: anything that reasons about time.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.instants import parse_instant
from pipeline.settings import Clock
from resources.rest import fetch_json


def system_now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


def read_clock(clock: Clock) -> datetime:
    """Return ``now`` as the configuration says: this machine's, or what the clock's URL answers.

    Raises:
        SourceError: the URL does not answer, or not with ``{"now": "<instant>"}``.

    """
    return system_now() if clock.url is None else parse_instant(str(fetch_json(clock.url)["now"]))
