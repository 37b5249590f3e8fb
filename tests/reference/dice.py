"""Small choices for random networks: dice, eras around clock changes, spellings.

A die that shows 0 gives the plainest choice, so that Hypothesis, which drives the
generator through `random.Random`, shrinks a network towards the plain one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TypeVar

Choice = TypeVar("Choice")

MICROSECOND = timedelta(microseconds=1)


class Dice:
    """A random source that draws small integers only."""

    def __init__(self, rng: Random) -> None:
        """Draw from `rng`."""
        self.rng = rng

    def chance(self, percent: int) -> bool:
        """Say yes in that many of a hundred cases; 0 on the die says no."""
        return self.rng.randrange(100) >= 100 - percent

    def pick(self, options: Sequence[Choice]) -> Choice:
        """Pick one; the first is the plainest."""
        return options[self.rng.randrange(len(options))]

    def count(self, low: int, high: int) -> int:
        """Draw an integer, both ends included."""
        return low + self.rng.randrange(high - low + 1)

    def weighted(self, weights: Mapping[Choice, int]) -> Choice:
        """Pick one by weight; the first is the plainest."""
        shown = self.rng.randrange(sum(weights.values()))
        for option, weight in weights.items():
            shown -= weight
            if shown < 0:
                return option
        message = f"no weight left for {shown} in {weights}"
        raise AssertionError(message)


@dataclass(frozen=True)
class Era:
    """A stretch of time round a clock change, and local times that it disturbs."""

    anchor: datetime
    zones: tuple[str, ...]
    locals: tuple[str, ...]


ERAS = (
    Era(
        datetime(2025, 3, 30, 1, tzinfo=UTC),
        ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
        (
            "2025-03-30T02:30:00",
            "2025-03-30T03:00:00",
            "2025-03-30T00:00:00",
            "2025-03-09T02:30:00",
            "2025-04-06T01:45:00",
        ),
    ),
    Era(
        datetime(2025, 10, 26, 1, tzinfo=UTC),
        (
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Pacific/Kiritimati",
        ),
        (
            "2025-10-26T02:30:00",
            "2025-10-26T02:00:00",
            "2025-10-26T00:00:00",
            "2025-11-02T01:30:00",
            "2025-10-05T02:15:00",
        ),
    ),
    Era(
        datetime(2018, 11, 4, 3, tzinfo=UTC),
        ("America/Sao_Paulo", "America/New_York", "Europe/Berlin", "Asia/Kolkata"),
        (
            "2018-11-04T00:30:00",
            "2018-11-04T00:00:00",
            "2018-11-04T01:30:00",
            "2018-10-28T02:30:00",
        ),
    ),
    Era(
        datetime(2019, 2, 17, 2, tzinfo=UTC),
        ("America/Sao_Paulo", "Pacific/Apia", "America/New_York", "Europe/Berlin"),
        ("2019-02-16T23:30:00", "2019-02-17T00:00:00", "2019-03-10T02:30:00"),
    ),
    Era(
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        ("Pacific/Apia", "Pacific/Kiritimati", "Europe/Berlin", "Asia/Kolkata"),
        ("2011-12-30T00:00:00", "2011-12-30T12:00:00", "2011-12-31T00:00:00"),
    ),
)
STEPS = (
    *(timedelta(days=days) for days in (0, -1, 1, -2, 2, -7, 7, -9, 9, -30, 30)),
    *(timedelta(minutes=minutes) for minutes in (-60, -30, 30, 60, -1440 + 60)),
    timedelta(hours=12, microseconds=1),
)
OFFSETS_MINUTES = (330, -480, 60, 840, -210)


def spell(dice: Dice, at: datetime) -> str:
    """Write an instant in one of its valid RFC 3339 spellings."""
    style = dice.weighted({"Z": 6, "+00:00": 2, "offset": 2})
    if style == "offset":
        offset = timedelta(minutes=dice.pick(OFFSETS_MINUTES))
        at = at.astimezone(timezone(offset))
    shown = at.isoformat(timespec="auto")
    if at.microsecond == 0 and dice.chance(20):
        shown = at.isoformat(timespec=dice.pick(("milliseconds", "microseconds")))
    return shown.replace("+00:00", "Z") if style == "Z" else shown
