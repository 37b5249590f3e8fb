"""Working time: clock changes, holidays and midnights, against hours counted by hand and minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipeline.business_calendar import give_calendar, working_stretches
from pipeline.errors import ConfigurationError
from pipeline.home import Home
from pipeline.settings import Calendar, load_settings
from resources.warehouse import open_in_memory

HOUR: Final = timedelta(hours=1)
EVERY_DAY: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def calendar(**said: object) -> Calendar:
    return Calendar.model_validate(said)


def opened(told: Calendar, day: date) -> list[tuple[str, str]]:
    """The open stretches of one local day, as UTC stamps."""
    return [(f"{start:%d %H:%M}", f"{end:%d %H:%M}") for start, end in working_stretches(told, day, day)]


def worked(told: Calendar, start: datetime, end: datetime) -> timedelta:
    """The working time between two instants, stretch by stretch."""
    days = (start.date() - timedelta(days=2), end.date() + timedelta(days=2))
    overlaps = (min(end, closes) - max(start, opens) for opens, closes in working_stretches(told, *days))
    return sum((overlap for overlap in overlaps if overlap > timedelta(0)), timedelta(0))


def test_a_week_without_a_word_is_monday_to_friday_nine_to_five_in_utc() -> None:
    told = calendar()
    assert opened(told, date(2026, 3, 2)) == [("02 09:00", "02 17:00")]
    assert opened(told, date(2026, 3, 7)) == []
    assert worked(told, datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)) == 40 * HOUR


def test_the_hours_move_with_the_clock() -> None:
    told = calendar(zone="Europe/Berlin")
    assert opened(told, date(2026, 3, 27)) == [("27 08:00", "27 16:00")]
    assert opened(told, date(2026, 3, 30)) == [("30 07:00", "30 15:00")]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 5), (date(2026, 10, 25), 7), (date(2026, 10, 26), 6)])
def test_a_clock_change_in_working_hours_makes_them_shorter_or_longer(day: date, hours: int) -> None:
    told = calendar(zone="Europe/Berlin", days=EVERY_DAY, **{"from": "00:00", "until": "06:00"})
    ((opens, closes),) = working_stretches(told, day, day)
    assert closes - opens == hours * HOUR


def test_a_skipped_opening_takes_the_offset_before_and_a_repeated_one_the_first() -> None:
    told = calendar(zone="Europe/Berlin", days=EVERY_DAY, **{"from": "02:30", "until": "05:00"})
    assert opened(told, date(2026, 3, 29)) == [("29 01:30", "29 03:00")]
    assert opened(told, date(2026, 10, 25)) == [("25 00:30", "25 04:00")]


def test_public_holidays_are_no_working_days() -> None:
    everywhere = calendar(zone="Europe/Berlin", country="DE")
    bavaria = calendar(zone="Europe/Berlin", country="DE", subdivision="BY")
    assert opened(everywhere, date(2026, 4, 3)) == []
    assert opened(everywhere, date(2026, 1, 6)) == [("06 08:00", "06 16:00")]
    assert opened(bavaria, date(2026, 1, 6)) == []


def test_hours_until_midnight_join_the_next_days() -> None:
    told = calendar(days=EVERY_DAY, **{"from": "00:00", "until": "24:00"})
    stretches = list(working_stretches(told, date(2026, 1, 1), date(2026, 1, 31)))
    assert stretches == [(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    home = Home(tmp_path / "home")
    home.make()
    with open_in_memory(home) as inner:
        inner.execute("create schema ops")
        yield inner


@dataclass(frozen=True, slots=True)
class Tile:
    """A row of ``ops.business_hours``."""

    from_at: datetime
    until_at: datetime
    is_open: bool
    seconds_before: int


def tiles(connection: duckdb.DuckDBPyConnection, told: Calendar, first: date, until: date) -> list[Tile]:
    give_calendar(connection, told, first, until)
    rows = connection.sql(
        "select from_at, until_at, is_open, seconds_before from ops.business_hours order by from_at"
    ).fetchall()
    return [Tile(*row) for row in rows]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"])
def test_tiles_cover_every_utc_day_and_add_up(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    every = tiles(connection, calendar(zone=zone), date(2026, 3, 1), date(2026, 4, 15))
    assert every[0].from_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert every[-1].until_at == datetime(2026, 4, 15, tzinfo=UTC)
    for tile, following in pairwise(every):
        assert tile.until_at == following.from_at
        length = int((tile.until_at - tile.from_at).total_seconds())
        assert following.seconds_before == tile.seconds_before + (length if tile.is_open else 0)
    for tile in every:
        assert tile.from_at.date() == (tile.until_at - timedelta(microseconds=1)).date()


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns", "Europe/Berlin", "Africa/Cairo"])
def test_the_open_minutes_are_those_that_a_clock_on_the_wall_says(
    connection: duckdb.DuckDBPyConnection, zone: str
) -> None:
    told = calendar(zone=zone, days=("mon", "wed", "sat"), **{"from": "07:15", "until": "21:30"})
    place = ZoneInfo(zone)
    for tile in tiles(connection, told, date(2026, 3, 24), date(2026, 4, 8)):
        for minute in range(int((tile.until_at - tile.from_at) / timedelta(minutes=1))):
            local = (tile.from_at + timedelta(minutes=minute)).astimezone(place)
            is_working = local.weekday() in {0, 2, 5} and (7, 15) <= (local.hour, local.minute) < (21, 30)
            assert tile.is_open == is_working, local


SPENT: Final = """
    with instants as (select unnest([$start::timestamptz, $end::timestamptz]) as instant),
    clocks as (
        select seconds_before + case when is_open then seconds_between(from_at, instant) else 0 end as worked
        from instants
        inner join ops.business_hours as hours
            on hours.utc_day = cast(timezone('UTC', instant) as date)
            and hours.from_at <= instant and instant < hours.until_at
    )
    select max(worked) - min(worked), count(*) from clocks
"""


def test_sql_finds_the_working_time_between_any_two_instants(connection: duckdb.DuckDBPyConnection) -> None:
    told = calendar(zone="America/New_York", country="US", **{"from": "08:30", "until": "17:45"})
    give_calendar(connection, told)
    first = datetime(2026, 2, 27, 13, 7, 11, 250_000, tzinfo=UTC)
    for hours in (0, 1, 9, 26, 95, 24 * 10, 24 * 45):
        last = first + timedelta(hours=hours, seconds=hours)
        spent = connection.sql(SPENT, params={"start": first, "end": last}).fetchall()
        assert spent == [(worked(told, first, last).total_seconds(), 2)]


def test_the_hours_are_made_again_only_when_the_calendar_changed(connection: duckdb.DuckDBPyConnection) -> None:
    give_calendar(connection, calendar())
    connection.execute("delete from ops.business_hours")
    give_calendar(connection, calendar())
    assert connection.sql("select count(*) from ops.business_hours").fetchall() == [(0,)]
    give_calendar(connection, calendar(zone="Europe/Berlin"))
    assert connection.sql("select min(from_at), max(until_at) from ops.business_hours").fetchall() == [
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC))
    ]
    assert connection.sql("select zone, days from ops.business_calendar").fetchall() == [
        ("Europe/Berlin", ["mon", "tue", "wed", "thu", "fri"])
    ]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("{zone: Mars}", "'Mars' is no time zone"),
        ("{country: XX}", "the holidays of 'XX' are not known"),
        ("{country: NO}", 'write "NO"'),
        ("{country: DE, subdivision: ZZ}", "DE has no part 'ZZ'"),
        ("{subdivision: BY}", "'subdivision' needs 'country'"),
        ("{days: []}", "policies.calendar.days"),
        ("{days: [mon, mon]}", "'days' names a day twice"),
        ("{days: [monday]}", "policies.calendar.days.0"),
        ("{until: 17:00}", 'write it in quotes, as "09:00"'),
        ('{until: "9:00"}', "'9:00' is no local time"),
        ('{from: "24:30"}', "'24:30' is no local time"),
        ('{from: "18:00"}', "'from' is not before 'until'"),
        ('{opens: "08:00"}', "policies.calendar.opens"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_said_in_one_sentence(tmp_path: Path, said: str, answer: str) -> None:
    path = tmp_path / "vipgrid.yaml"
    path.write_text(
        f"connections: {{trading_grid: {{kind: files, path: data}}}}\npolicies: {{calendar: {said}}}", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as refused:
        load_settings(path, {})
    assert answer in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_calendar_is_read_from_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "vipgrid.yaml"
    said = '{zone: Europe/Berlin, country: DE, subdivision: BY, days: [mon, sat], from: "08:00", until: "24:00"}'
    path.write_text(
        f"connections: {{trading_grid: {{kind: files, path: data}}}}\npolicies: {{calendar: {said}}}", encoding="utf-8"
    )
    told = load_settings(path, {}).policies.calendar
    assert (told.country, told.subdivision, told.days) == ("DE", "BY", ("mon", "sat"))
    assert (told.opens, told.closes) == (8 * HOUR, 24 * HOUR)
