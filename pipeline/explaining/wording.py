"""Wording: instants, versions, lists and spans as a reader of a sentence wants them.

Belongs here: small pieces of text that every section uses. Does not belong here: sentences about a partner or an asset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from babel.dates import get_timezone

RUNGS: Final = (
    "only that it is entitled",
    "a notice was posted",
    "it was delivered, to where it can be fetched",
    "it was looked at",
    "it was obtained",
    "a person acknowledged it",
    "a person attested that old copies are gone",
    "the digest in the answer is the version's own",
)
_POLICIES: Final = {
    "partner_local": "by the partner's own clock",
    "publisher_local": "by the publisher's clock",
    "instant": "at one instant everywhere",
}


@dataclass(frozen=True, slots=True)
class Zone:
    """A partner's zone, in which instants are told; one that does not exist is UTC."""

    name: str

    def at(self, instant: datetime) -> str:
        """Write an instant, with the offset where a clock change makes the local time ambiguous."""
        zone = _zone(self.name)
        local = instant.astimezone(zone)
        text = local.strftime("%Y-%m-%d %H:%M")
        neighbours = (timedelta(minutes=minutes) for minutes in (-120, -60, -30, 30, 60, 120))
        is_ambiguous = any(_naive(instant + step, zone) == local.replace(tzinfo=None) for step in neighbours)
        return f"{text} ({local.strftime('%z')})" if is_ambiguous else text


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    try:
        return get_timezone(name)
    except LookupError:
        return UTC


def _naive(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def listed(parts: Iterable[str], last: str = "and") -> str:
    """Write ``a``, ``a and b``, ``a, b and c``."""
    kept = list(parts)
    return f" {last} ".join([", ".join(kept[:-1]), kept[-1]] if len(kept) > 1 else kept)


def versions(numbers: Sequence[int]) -> str:
    """Write ``version 2``, ``versions 1 and 2``."""
    return f"version{'' if len(numbers) == 1 else 's'} {listed(map(str, numbers))}"


def counted(number: int, noun: str) -> str:
    """Write ``1 copy``, ``2 copies``; regular nouns only."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number} {plural}"


def span(seconds: float) -> str:
    """Write a span of time in its largest whole unit."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return counted(int(seconds // size), unit)
    return counted(int(seconds), "second")


def numbered(numbers: Sequence[int]) -> str:
    """Write ascending numbers with their runs drawn together: ``3, 5-8``, with a dash."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}{', ' if len(run) == 2 else chr(0x2013)}{run[-1]}"  # noqa: PLR2004 - two are no run
        for run in runs
    )


def policy(name: str | None) -> str:
    """Say by whose clock a declared local time counts."""
    return _POLICIES.get(name or "instant", "in UTC")


def rights(names: Sequence[str], last: str = "and") -> str:
    """Write a grant's rights."""
    return listed(
        sorted(names, key=("view", "download", "redistribute").index) if set(names) <= _RIGHTS else names, last
    )


_RIGHTS: Final = {"view", "download", "redistribute"}
