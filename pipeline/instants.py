"""Stamps and spans of time as text.

Belongs here: reading and writing instants (always UTC, microseconds) and spans such as ``7d``.
Does not belong here: the clock (``resources.clock``), zones and local times (``sql/macros``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_SPAN: Final = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 stamp; one without an offset is refused, never guessed.

    Raises:
        ValueError: not a stamp, no offset, or not within the years 1 to 9999.

    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        message = f"{text!r} has no offset: write it as 2026-03-02T08:00:00Z"
        raise ValueError(message)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        message = f"{text!r} lies outside of the years 1 to 9999"
        raise ValueError(message) from error


def format_instant(instant: datetime) -> str:
    """Write an instant as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``, the ledger's only form."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_span(text: str) -> timedelta:
    """Read ``90s``, ``15m``, ``36h``, ``7d``, ``2w`` or a sum such as ``1d 12h``.

    Raises:
        ValueError: anything else.

    """
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip():
        message = f"{text!r} is not a span of time: write it as 15m, 36h or 7d"
        raise ValueError(message)
    return timedelta(seconds=sum(int(count) * _SECONDS[unit] for count, unit in parts))
