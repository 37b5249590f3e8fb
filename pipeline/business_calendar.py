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
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

SPAN_FROM: Final = date(2000, 1, 1)
SPAN_UNTIL: Final = date(2050, 1, 1)
_DAY: Final = timedelta(days=1)
_DAY_SECONDS: Final = 86_400
_NO_OFFSET: Final = timedelta(0)
_FIRST_OF_1970: Final = date(1970, 1, 1).toordinal()
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Every instant at which a day begins, work begins or work ends; between two of them nothing changes.
_HOURS: Final = """
create or replace table ops.business_hours as
with stretches as (
    select greatest(opens, $first) as opens, least(closes, $until) as closes
    from (select unnest($opens::bigint[]) as opens, unnest($closes::bigint[]) as closes)
),
edges as (
    select unnest(range($first::bigint, $until::bigint + 1, 86400)) as edge, 0 as change
    union all
    select opens, 1 from stretches where opens < closes
    union all
    select closes, -1 from stretches where opens < closes
),
cut as (select edge as starts, sum(change) as change from edges group by edge),
told as (
    select
        starts,
        lead(starts) over (order by starts) as ends,
        sum(change) over (order by starts) > 0 as is_open
    from cut
)
select
    cast(timezone('UTC', to_timestamp(starts)) as date) as utc_day,
    to_timestamp(starts) as from_at,
    to_timestamp(ends) as until_at,
    is_open,
    coalesce(
        sum(case when is_open then ends - starts end)
            over (order by starts rows between unbounded preceding and 1 preceding),
        0
    )::bigint as seconds_before
from told
where ends is not null
order by starts
"""


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


def working_stretches(calendar: Calendar, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open stretches of the local days from ``first`` to ``last``, in order, adjoining ones as one."""
    for opens, closes in _stretches(calendar, first, last):
        yield datetime.fromtimestamp(opens, UTC), datetime.fromtimestamp(closes, UTC)


def _stretches(calendar: Calendar, first: date, last: date) -> Iterator[tuple[int, int]]:
    """Yield them in seconds since 1970."""
    zone = ZoneInfo(calendar.zone)
    holidays = _holidays(calendar, first, last)
    working = {_WEEKDAYS.index(day) for day in calendar.days}
    ends = [(end, int(end.total_seconds())) for end in (calendar.opens, calendar.closes)]
    begun: tuple[int, int] | None = None
    for place in range(first.toordinal(), last.toordinal() + 1):
        day = datetime.fromordinal(place).replace(tzinfo=zone)
        if day.weekday() not in working or (holidays and day.date() in holidays):
            continue
        midnight = (place - _FIRST_OF_1970) * _DAY_SECONDS
        # The sum is a local time; only its offset is asked for, because to make an instant of each takes long.
        opens, closes = (midnight + seconds - _offset_seconds(day + end) for end, seconds in ends)
        if begun and begun[1] >= opens:
            begun = (begun[0], max(begun[1], closes))
        else:
            if begun:
                yield begun
            begun = (opens, closes)
    if begun:
        yield begun


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


def give_calendar(
    connection: Connection, calendar: Calendar, first: date = SPAN_FROM, until: date = SPAN_UNTIL
) -> None:
    """Make ``ops.business_hours`` from the calendar, where it is not the one that is there already.

    The table covers the UTC days ``[first, until)`` without gaps: each row is a stretch within one UTC day that is open
    throughout or closed throughout, with the working seconds that lie before it.
    """
    sha256 = _fingerprint(calendar, first, until)
    present = connection.sql(
        "select 1 from duckdb_tables() where database_name = current_catalog()"
        " and schema_name = 'ops' and table_name = 'business_calendar'"
    ).fetchall()
    if present and connection.sql("select sha256 from ops.business_calendar").fetchall() == [(sha256,)]:
        return
    connection.execute(_HOURS, _open_seconds(calendar, first, until))
    connection.execute(
        "create or replace table ops.business_calendar as select $zone::varchar as zone, $country::varchar as country,"
        " $subdivision::varchar as subdivision, $days::varchar[] as days, to_seconds($opens) as opens,"
        " to_seconds($closes) as closes, $sha256::varchar as sha256",
        {**_as_values(calendar), "sha256": sha256},
    )


@cache
def _open_seconds(calendar: Calendar, first: date, until: date) -> dict[str, int | list[int]]:
    """Return what the hours are made of, in seconds since 1970: the span, and the open stretches that reach into it."""
    every = list(_stretches(calendar, first - 2 * _DAY, until + 2 * _DAY))
    return {
        "first": (first.toordinal() - _FIRST_OF_1970) * _DAY_SECONDS,
        "until": (until.toordinal() - _FIRST_OF_1970) * _DAY_SECONDS,
        "opens": [opens for opens, _ in every],
        "closes": [closes for _, closes in every],
    }


def _offset_seconds(local: datetime) -> int:
    offset = local.utcoffset() or _NO_OFFSET
    return offset.days * _DAY_SECONDS + offset.seconds


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


def _fingerprint(calendar: Calendar, first: date, until: date) -> str:
    """Say what the hours follow from: the calendar, and the edition of what the holidays are taken from."""
    edition = None
    if calendar.country is not None:
        from importlib.metadata import version

        edition = version("holidays")
    said = [_as_values(calendar), edition, first.isoformat(), until.isoformat()]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
