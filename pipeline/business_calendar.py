"""Working time: the hours of a business, as instants.

Belongs here: when the calendar of the configuration is open, holidays left out, clock changes counted as
they fall. Does not belong here: how long something took (``sql/marts``), the configuration's own checks
(``pipeline.settings``), holding instants against it (``ops.business_hours``, made here for SQL to join).

A working day is that of the calendar's zone; its two local times are resolved as RFC 5545, 3.3.5 says: a
skipped one with the offset before the change, a repeated one to the first of the two. So the day on which a
clock goes forward inside working hours is an hour shorter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

SPAN_FROM: Final = date(2000, 1, 1)
SPAN_UNTIL: Final = date(2050, 1, 1)
_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Calendar(Hashable, Protocol):
    """The part of the configured calendar that is used."""

    @property
    def zone(self) -> str:
        """The IANA name of the zone in which the hours are meant."""

    @property
    def country(self) -> str | None:
        """Whose public holidays are no working days; None: nobody's."""

    @property
    def subdivision(self) -> str | None:
        """The part of the country, where it has holidays of its own."""

    @property
    def days(self) -> Sequence[str]:
        """The working days of a week, ``mon`` to ``sun``."""

    @property
    def opens(self) -> timedelta:
        """When a working day begins, from local midnight."""

    @property
    def closes(self) -> timedelta:
        """When it ends, from local midnight; 24 hours is the next midnight."""


class Connection(Protocol):
    """The part of a DuckDB connection that is used."""

    def execute(self, query: str, parameters: object = ...) -> object:
        """Run a statement."""

    def sql(self, query: str) -> Any:
        """Ask a question."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A stretch within one UTC day that is open throughout or closed throughout."""

    from_at: datetime
    until_at: datetime
    is_open: bool
    seconds_before: int


def working_stretches(calendar: Calendar, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open stretches of the local days from ``first`` to ``last``, in order, adjoining ones as one."""
    zone = ZoneInfo(calendar.zone)
    holidays = _holidays(calendar, first, last)
    begun: tuple[datetime, datetime] | None = None
    for place in range((last - first).days + 1):
        day = first + place * _DAY
        if _WEEKDAYS[day.weekday()] not in calendar.days or day in holidays:
            continue
        opens, closes = _instant(day, calendar.opens, zone), _instant(day, calendar.closes, zone)
        if begun and begun[1] >= opens:
            begun = (begun[0], max(begun[1], closes))
        else:
            if begun:
                yield begun
            begun = (opens, closes)
    if begun:
        yield begun


def tiles(calendar: Calendar, first: date = SPAN_FROM, until: date = SPAN_UNTIL) -> Iterator[Tile]:
    """Cover the UTC days ``[first, until)`` without gaps, with the working seconds that lie before each tile."""
    midnight, end = (datetime.combine(day, time(), UTC) for day in (first, until))
    seconds_before = 0
    for opens, closes in working_stretches(calendar, first - 2 * _DAY, until + 2 * _DAY):
        if closes <= midnight or opens >= end:
            continue
        for cut in _cut(midnight, min(max(opens, midnight), end)):
            yield Tile(*cut, is_open=False, seconds_before=seconds_before)
        for cut in _cut(max(opens, midnight), min(closes, end)):
            yield Tile(*cut, is_open=True, seconds_before=seconds_before)
            seconds_before += int((cut[1] - cut[0]).total_seconds())
        midnight = min(closes, end)
    for cut in _cut(midnight, end):
        yield Tile(*cut, is_open=False, seconds_before=seconds_before)


def check_holidays(country: str, subdivision: str | None) -> None:
    """Make sure that the public holidays of a country, or of a part of it, are known.

    Raises:
        ValueError: they are not; the sentence says which are.

    """
    import holidays  # a quarter of a second, and only needed by who names a country

    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        message = f"the holidays of {country!r} are not known: write an ISO 3166 code such as DE"
        raise ValueError(message)
    if subdivision is not None and subdivision not in known[country]:
        choices = ", ".join(known[country]) or "none"
        message = f"{country} has no part {subdivision!r} with holidays of its own: it has {choices}"
        raise ValueError(message)


def give_calendar(connection: Connection, calendar: Calendar) -> None:
    """Make ``ops.business_hours`` from the calendar, where it is not the one that is there already."""
    sha256 = _fingerprint(calendar)
    present = connection.sql(
        "select 1 from duckdb_tables() where database_name = current_catalog()"
        " and schema_name = 'ops' and table_name = 'business_calendar'"
    ).fetchall()
    if present and connection.sql("select sha256 from ops.business_calendar").fetchall() == [(sha256,)]:
        return
    connection.execute(
        "create or replace table ops.business_hours as select cast(timezone('UTC', from_at) as date) as utc_day, *"
        " from (select to_timestamp(unnest($from_seconds::bigint[])) as from_at,"
        " to_timestamp(unnest($until_seconds::bigint[])) as until_at, unnest($is_open::boolean[]) as is_open,"
        " unnest($seconds_before::bigint[]) as seconds_before)",
        _columns(calendar),
    )
    connection.execute(
        "create or replace table ops.business_calendar as select $zone::varchar as zone, $country::varchar as country,"
        " $subdivision::varchar as subdivision, $days::varchar[] as days, to_seconds($opens) as opens,"
        " to_seconds($closes) as closes, $sha256::varchar as sha256",
        {**_as_values(calendar), "sha256": sha256},
    )


@cache
def _columns(calendar: Calendar) -> dict[str, list[int]]:
    every = list(tiles(calendar))
    return {
        "from_seconds": [int(tile.from_at.timestamp()) for tile in every],
        "until_seconds": [int(tile.until_at.timestamp()) for tile in every],
        "is_open": [tile.is_open for tile in every],
        "seconds_before": [tile.seconds_before for tile in every],
    }


def _instant(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    return (datetime.combine(day, time()) + since_midnight).replace(tzinfo=zone).astimezone(UTC)


def _cut(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a stretch at UTC midnights."""
    while start < end:
        midnight = datetime.combine(start.date(), time(), UTC) + _DAY
        yield start, min(midnight, end)
        start = midnight


def _holidays(calendar: Calendar, first: date, last: date) -> frozenset[date]:
    if calendar.country is None:
        return frozenset()
    import holidays

    years = range(first.year, last.year + 1)
    return frozenset(holidays.country_holidays(calendar.country, subdiv=calendar.subdivision, years=years))


def _as_values(calendar: Calendar) -> dict[str, Any]:
    return {
        "zone": calendar.zone,
        "country": calendar.country,
        "subdivision": calendar.subdivision,
        "days": list(calendar.days),
        "opens": int(calendar.opens.total_seconds()),
        "closes": int(calendar.closes.total_seconds()),
    }


def _fingerprint(calendar: Calendar) -> str:
    """Say what the hours follow from: the calendar, and the edition of what the holidays are taken from."""
    edition = None
    if calendar.country is not None:
        from importlib.metadata import version

        edition = version("holidays")
    said = [_as_values(calendar), edition, SPAN_FROM.isoformat(), SPAN_UNTIL.isoformat()]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
