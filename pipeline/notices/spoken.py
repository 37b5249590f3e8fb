"""Instants as a partner reads them: in its zone and its locale's way of writing.

Belongs here: locales, zones, dates and times as text. Does not belong here: which instants a notice tells.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time


class Tongue(NamedTuple):
    """A locale by its name (``de_CH``), and the language of it, by which templates are found."""

    name: str
    language: str


# British English: its dates and its 24 hours are misread nowhere.
FALLBACK: Final = Tongue("en_GB", "en")


def spoken(instant: datetime, zone_name: str, tongue: Tongue) -> str:
    """Return date, time of day and zone of an instant."""
    local = instant.astimezone(zone_of(zone_name)[1])
    name = tongue.name
    return f"{_date(local.date(), name)}, {_time(local.hour, local.minute, name)} ({zone_name})"


@lru_cache(maxsize=512)
def tongue_of(raw: str | None) -> Tongue:
    """Return what a partner's ``locale`` names (``de-CH``, ``de_CH``), English where it names none."""
    try:
        locale = Locale.parse(raw.replace("-", "_")) if raw else None
    except (ValueError, TypeError, UnknownLocaleError):
        locale = None
    return FALLBACK if locale is None else Tongue(str(locale), locale.language)


@lru_cache(maxsize=512)
def zone_of(name: str) -> tuple[str, tzinfo]:
    """Return a zone's name and rules; UTC where there is no such zone."""
    try:
        return name, ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC", UTC


@lru_cache(maxsize=8_192)
def _date(day: date, locale: str) -> str:
    return format_date(day, "long", Locale.parse(locale))


@lru_cache(maxsize=16_384)
def _time(hour: int, minute: int, locale: str) -> str:
    return format_time(time(hour, minute), "short", locale=Locale.parse(locale))
