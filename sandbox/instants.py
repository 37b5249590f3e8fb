"""Instants as whole microseconds since 1970 in UTC, and how they are read and written.

The sandbox's clock is state; nothing here asks the machine for the time.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


@lru_cache(maxsize=65_536)
def parse(text: str) -> int:
    """Read an RFC 3339 instant; a leap second counts as the second after it.

    Raises:
        ValueError: It is none.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        message = f"not an RFC 3339 instant: {text!r}"
        raise ValueError(message)
    day, hours, minutes, seconds, fraction, offset = found.groups()
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - _EPOCH
    micros = int((fraction or ".0")[1:7].ljust(6, "0"))
    within = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * SECOND + micros
    shift = 0
    if offset not in "Zz":
        shift = (int(offset[1:3]) * 3600 + int(offset[4:6]) * 60) * SECOND * (-1 if offset[0] == "-" else 1)
    return start // timedelta(microseconds=1) + within - shift


def utc(instant: int) -> str:
    """Write with `Z` and microseconds."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def with_offset(instant: int, zone: str) -> str:
    """Write with the offset that the zone has then."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone_of(zone)).isoformat(timespec="microseconds")


def local(instant: int, zone: str) -> datetime:
    """Give the naive local time that a zone shows."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone_of(zone)).replace(tzinfo=None)


def resolve(local_time: str, zone: str) -> int:
    """Resolve a local time as RFC 5545, 3.3.5 says: skipped with the offset before, repeated the first of the two."""
    naive = datetime.fromisoformat(local_time)
    offset = naive.replace(tzinfo=zone_of(zone), fold=0).utcoffset() or timedelta()
    return (naive.replace(tzinfo=timezone(offset)) - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Look an IANA zone up, once."""
    return ZoneInfo(name)
