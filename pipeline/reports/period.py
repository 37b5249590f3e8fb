"""What a report is about: the instant, what was known, and the month it covers, if it covers one.

Belongs here: months as half-open spans of UTC, and the choice of the question. Does not belong here: the
answer (``pipeline.sqlmodels.asking``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.errors import RefusedError
from pipeline.instants import format_instant
from pipeline.sqlmodels.relations import Question

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC, ``[start, end)``."""

    text: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The question, and from when to when events count; ``name`` is safe in a file's name."""

    name: str
    title: str
    question: Question
    month: Month | None
    is_running: bool


def parse_month(text: str) -> Month:
    """Read ``2026-02``.

    Raises:
        RefusedError: it is no month.

    """
    found = _MONTH.fullmatch(text)
    if not found or int(found.group(1)) == 0:
        message = f"{text!r} is not a month: write it as 2026-02."
        raise RefusedError(message)
    year, month = int(found.group(1)), int(found.group(2))
    next_year, next_month = divmod(year * 12 + month, 12)
    return Month(text, datetime(year, month, 1, tzinfo=UTC), datetime(next_year, next_month + 1, 1, tzinfo=UTC))


def choose_period(last: Question, *, month: Month | None = None, as_of: datetime | None = None) -> Period:
    """Choose what is asked: a month as of its end (or of the last turn while it runs), else the instant that is named.

    Raises:
        RefusedError: a month and an instant at once, or a month that has not begun.

    """
    known = last.known_at.astimezone(UTC)
    if month is None:
        instant = (as_of or last.as_of).astimezone(UTC)
        return Period(
            name=f"as-of-{_compact(instant)}",
            title=f"{instant.day} {instant:%B %Y, %H:%M} UTC",
            question=Question(instant, known),
            month=None,
            is_running=False,
        )
    if as_of is not None:
        message = "A month has its own instant, its end: name a month or --as-of, not both."
        raise RefusedError(message)
    if last.as_of <= month.start:
        message = f"The month {month.text} had not begun at the last turn, {format_instant(last.as_of)}."
        raise RefusedError(message)
    is_running = last.as_of < month.end
    instant = last.as_of.astimezone(UTC) if is_running else month.end
    return Period(
        name=month.text,
        title=f"{month.start:%B %Y}",
        question=Question(instant, known),
        month=month,
        is_running=is_running,
    )


def _compact(instant: datetime) -> str:
    whole = instant.strftime("%Y%m%dT%H%M%S")
    return f"{whole}Z" if not instant.microsecond else f"{whole}.{instant.microsecond:06d}Z"
