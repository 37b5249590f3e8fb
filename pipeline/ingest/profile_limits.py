"""A profile's ``limits``: what is asked of the source at most, and what it may cost us.

Belongs here: budgets, waits, sizes, the names of a source's own rate headers. Does not belong here: keeping to them
(``resources.rest_pace``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from pipeline.ingest.profile_words import Span, Strict


class Budget(Strict):
    """So many requests in any span of so long."""

    requests: int = Field(ge=1)
    "How many."
    per: Span
    "In how long."


class RateHeaders(Strict):
    """How the source says what is left of its own budget."""

    remaining: str = "RateLimit-Remaining"
    "The header with the number of requests left."
    reset: str = "RateLimit-Reset"
    "The header that says when the budget is whole again."
    reset_is: Literal["seconds", "epoch_seconds", "epoch_milliseconds"] = "seconds"
    "How it says it."


class Limits(Strict):
    """What is asked of the source at most, and what it may cost us."""

    requests_per_second: float = Field(default=10, gt=0)
    "Requests are spread evenly, at most so many."
    budgets: tuple[Budget, ...] = ()
    "What else the source allows, such as 4500 in 5m."
    concurrency: int = Field(default=4, ge=1, le=16)
    "How many requests are under way at once."
    rate_headers: RateHeaders = RateHeaders()
    "How the source says what is left of its own budget."
    refused_for: Span | None = None
    "After a 429 that does not say how long, nothing is asked for so long."
    deadline: Span = timedelta(seconds=60)
    "A request's time, from its first byte to the answer's last."
    attempts: int = Field(default=8, ge=1)
    "How often a read is tried."
    max_wait: Span = timedelta(seconds=120)
    "The longest wait that a source may ask for."
    max_body_bytes: int = Field(default=64 * 2**20, ge=1024)
    "The largest answer, unpacked."
