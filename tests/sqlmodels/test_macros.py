"""Local times against Python's zoneinfo, which resolves gaps and overlaps as RFC 5545 says (fold 0)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.home import Home
from resources.warehouse import open_in_memory

ZONES = (
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
CHANGES = (datetime(2026, 3, 8, 2), datetime(2026, 3, 29, 2), datetime(2026, 4, 5, 2), datetime(2026, 10, 4, 2))
MORE_CHANGES = (datetime(2026, 10, 25, 2), datetime(2026, 11, 1, 1), datetime(2011, 12, 30, 12), datetime(2018, 11, 4))


def local_times(dice: random.Random) -> list[datetime]:
    around = [change + timedelta(minutes=15 * step) for change in (*CHANGES, *MORE_CHANGES) for step in range(-8, 9)]
    return around + [datetime(2026, 1, 1) + timedelta(minutes=dice.randrange(525_600)) for _ in range(200)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_time_becomes_the_instant_that_rfc_5545_says(tmp_path: Path, zone: str) -> None:
    home = Home(tmp_path)
    home.make()
    flags = set()
    with open_in_memory(home) as connection:
        for local in local_times(random.Random(zone)):
            found, flag = connection.sql(
                "select local_to_instant($l::timestamp, $z), local_time_flag($l::timestamp, $z)",
                params={"l": local, "z": zone},
            ).fetchall()[0]
            first = local.replace(tzinfo=ZoneInfo(zone))
            expected = first.astimezone(UTC)
            is_skipped = expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local
            is_repeated = not is_skipped and first.replace(fold=1).astimezone(UTC) != expected
            assert found == expected, f"{local} in {zone}"
            assert flag == ("skipped" if is_skipped else "repeated" if is_repeated else None), f"{local} in {zone}"
            flags.add(flag)
    has_changes = zone not in {"Asia/Kolkata", "Pacific/Kiritimati"}
    assert (len(flags) > 1) == has_changes
