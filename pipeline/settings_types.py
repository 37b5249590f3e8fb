"""The kinds of value that the configuration is made of: spans, local times, zones, instants.

Belongs here: how each is written and checked. Does not belong here: sections of the configuration
(``pipeline.settings``, ``pipeline.notice_settings``).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from pipeline.instants import parse_instant, parse_span

_LOCAL_TIME: Final = re.compile(r"([01]\d|2[0-3]|24(?=:00)):([0-5]\d)")


def _span(value: object) -> object:
    return parse_span(value) if isinstance(value, str) else value


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        return parse_instant(str(value))
    except ValueError as error:
        message = f"{value!r} is no instant: write 2026-03-02T08:00:00Z"
        raise ValueError(message) from error


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"{value!r} is no time zone: write an IANA name such as Europe/Berlin"
        raise ValueError(message) from error
    return value


def _local_time(value: object) -> object:
    found = _LOCAL_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        message = f'{value!r} is no local time: write it in quotes, as "09:00" (without, YAML reads 17:00 as 1020)'
        raise ValueError(message)
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


Span = Annotated[timedelta, BeforeValidator(_span)]
Zone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[timedelta, BeforeValidator(_local_time)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Instant = Annotated[datetime, BeforeValidator(_instant)]


class Strict(BaseModel):
    """A part of the configuration: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
