"""The faults of records, by name: what the source sends, and what becomes of it.

Belongs here: records as bytes, and the outcome that each must have. Does not belong here: pages
(``tests.faults.test_paging``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

Record = dict[str, Any]
Spoil = Callable[[Record], bytes]


def text(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def with_raw(record: Record, name: bytes, value: bytes) -> bytes:
    """Return a record with one more member, whose bytes need be no JSON."""
    return text(record)[:-1] + b',"%b":%b}' % (name, value)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


# Each of them leaves the number of its record readable, so that a keyset goes on behind it.
SPOILED_RECORDS: Final[tuple[Spoil, ...]] = (
    lambda record: with_raw(record, b"x", b"NaN"),
    lambda record: with_raw(record, b"x", b"-Infinity"),
    lambda record: with_raw(record, b"x", b'"\\ud800"'),
    lambda record: with_raw(record, b"x", b'"\\u0000"'),
    lambda record: with_raw(record, b"x", b'"\x01"'),
    lambda record: with_raw(record, b"x", b'"\xff\xfe"'),
    lambda record: with_raw(record, b"x", b"9007199254740993"),
    lambda record: with_raw(record, b"x", b"1e400"),
    lambda record: with_raw(record, b"title", b'"again"'),
    lambda record: with_raw(record, b"x", nested(300)),
)


EVENT: Final[Record] = {
    "event_id": "E",
    "event_type": "opened",
    "asset_id": "A",
    "occurred_at": "2026-03-01T08:00:00Z",
    "bytes": 7,
}
NO_INSTANT: Final = "occurred_at is not an instant"
NO_NUMBER: Final = "bytes is not a whole number"


def event(**more: Any) -> bytes:
    return text({**EVENT, **more})


def event_with(name: str, value: bytes) -> bytes:
    """Return an event in which one member has these bytes as its value."""
    return with_raw({key: own for key, own in EVENT.items() if key != name}, name.encode(), value)


# Name: the bytes, and what the typed event has; what is named, it has exactly.
ACCEPTED: Final[dict[str, tuple[bytes, Record]]] = {
    "a stamp in the future": (event(occurred_at="2090-01-01T00:00:00Z"), {"at": "2090-01-01 00:00:00+00"}),
    "a stamp of 1970": (event(occurred_at="1970-01-01T00:00:00Z"), {"at": "1970-01-01 00:00:00+00"}),
    "a stamp of 9999": (event(occurred_at="9999-12-31T23:59:59Z"), {"at": "9999-12-31 23:59:59+00"}),
    "a stamp of the year 1": (event(occurred_at="0001-01-01T00:00:00Z"), {"at": "0001-01-01 00:00:00+00"}),
    "a leap second": (event(occurred_at="2016-12-31T23:59:60Z"), {"at": "2017-01-01 00:00:00+00"}),
    "a leap second elsewhere": (event(occurred_at="2017-01-01T08:59:60.5+09:00"), {"at": "2017-01-01 00:00:00.5+00"}),
    "an offset of +14:00": (event(occurred_at="2026-03-01T00:00:00+14:00"), {"at": "2026-02-28 10:00:00+00"}),
    "an offset of -14:00": (event(occurred_at="2026-03-01T00:00:00-14:00"), {"at": "2026-03-01 14:00:00+00"}),
    "no offset": (event(occurred_at="2026-03-01T00:00:00"), {"at": "2026-03-01 00:00:00+00"}),
    "small letters in a stamp": (event(occurred_at="2026-03-01t08:00:00z"), {"at": "2026-03-01 08:00:00+00"}),
    "nanoseconds": (event(occurred_at="2026-03-01T08:00:00.123456789Z"), {"at": "2026-03-01 08:00:00.123456+00"}),
    "a late record, by 400 days": (event(occurred_at="2025-01-25T08:00:00Z"), {"at": "2025-01-25 08:00:00+00"}),
    "2^53 + 1 as text": (event(bytes="9007199254740993"), {"bytes": 2**53 + 1}),
    "-0": (event_with("bytes", b"-0"), {"bytes": 0}),
    "a whole number with a point": (event_with("bytes", b"7.0"), {"bytes": 7}),
    "null where it may be": (event(bytes=None), {"bytes": None}),
    "a field more": (event(colour="red", more={"a": [1]}), {"bytes": 7}),
    "an id that became a number": (event(asset_id=5), {"asset_id": "5"}),
    "100 levels": (event_with("extra", nested(99)), {"bytes": 7}),
    "a key in other letters beside it": (event(ASSET_ID="B", Asset_Id="C"), {"asset_id": "A"}),
    "64 kB of text": (event(user_agent="x" * 65_536), {"user_agent": "x" * 65_536}),
    "an id of 2,048 bytes": (event(partner_id="p" * 2048), {"asset_id": "A"}),
    "5 MB of text": (event(user_agent="x" * 5_000_000), {"bytes": 7}),
    "a byte order mark in an id": (event(asset_id="\ufeffA"), {"asset_id": "\ufeffA"}),
    "right to left": (event(user_agent="\u202egnp.exe"), {"user_agent": "\u202egnp.exe"}),
    "control characters": (event(user_agent="a\x01\x1b[31m\r\n\u2028"), {"user_agent": "a\x01\x1b[31m\r\n\u2028"}),
    "a formula": (event(user_agent="=cmd|' /C calc'!A0"), {"user_agent": "=cmd|' /C calc'!A0"}),
    "SQL": (event(asset_id="'; drop table core.assets; --"), {"asset_id": "'; drop table core.assets; --"}),
    "a path": (event(asset_id="../../../etc/passwd"), {"asset_id": "../../../etc/passwd"}),
    "a template": (event(user_agent="{{ 7*7 }} ${HOME} %(x)s {0}"), {"user_agent": "{{ 7*7 }} ${HOME} %(x)s {0}"}),
    "an emoji and its escape": (event_with("user_agent", b'"\\ud83d\\ude00"'), {"user_agent": "\U0001f600"}),
    "a number of 300 decimals": (event_with("extra", b"0." + b"1" * 300), {"bytes": 7}),
    "blanks and line breaks between": (event().replace(b",", b" ,\r\n\t"), {"bytes": 7}),
}
REJECTED: Final[dict[str, tuple[bytes, str]]] = {
    "a stamp behind 9999": (event(occurred_at="9999-12-31T23:59:59-14:00"), NO_INSTANT),
    "a stamp of the year 0": (event(occurred_at="0000-01-01T00:00:00Z"), NO_INSTANT),
    "a stamp before the year 1": (event(occurred_at="0001-01-01T00:00:00+14:00"), NO_INSTANT),
    "a stamp before our era": (event(occurred_at="2026-03-01 (BC)"), NO_INSTANT),
    "a second 61": (event(occurred_at="2026-03-01T23:59:61Z"), NO_INSTANT),
    "the 30th of February": (event(occurred_at="2026-02-30T00:00:00Z"), NO_INSTANT),
    "an offset of a day": (event(occurred_at="2026-03-01T00:00:00+25:00"), NO_INSTANT),
    "epoch seconds unannounced": (event(occurred_at=1772434800), NO_INSTANT),
    "epoch milliseconds unannounced": (event(occurred_at=1772434800000), NO_INSTANT),
    "2^53 + 1": (event(bytes=2**53 + 1), "exceeds safe integer domain"),
    "5,000 digits": (event_with("bytes", b"9" * 5000), "not JSON"),
    "1e400": (event_with("bytes", b"1e400"), "not JSON"),
    "NaN": (event_with("bytes", b"NaN"), "not JSON"),
    "a leading 0": (event_with("bytes", b"07"), "not JSON"),
    "half a byte": (event(bytes=1.5), NO_NUMBER),
    "true where a number stands": (event(bytes=True), NO_NUMBER),
    "a number beyond 64 bits as text": (event(bytes="9223372036854775808"), NO_NUMBER),
    "null where something must be": (event(asset_id=None), "asset_id is missing"),
    "nothing where something must be": (event(asset_id=""), "asset_id is missing"),
    "a missing field": (event_with("asset_id", b"null"), "asset_id is missing"),
    "a key twice": (event_with("x", b'1,"asset_id":"B"'), "a key occurs twice"),
    "a key twice, one escaped": (event_with("x", b'1,"asset\\u005fid":"B"'), "a key occurs twice"),
    "U+0000": (event(user_agent="a\0b"), "U+0000"),
    "half of a surrogate pair": (event_with("user_agent", b'"\\ud800"'), "half of a surrogate pair"),
    "bad UTF-8": (event_with("user_agent", b'"\xff\xfe"'), "not JSON"),
    "a raw control character": (event_with("user_agent", b'"\x01"'), "not JSON"),
    "a byte order mark before it": (b"\xef\xbb\xbf" + event(), "not JSON"),
    "101 levels": (event_with("extra", nested(100)), "more than 100 levels"),
    "128 levels": (event_with("extra", nested(128)), "more than 100 levels"),
    "900 levels": (event_with("extra", nested(900)), "more than 100 levels"),
    "10,000 levels": (event_with("extra", nested(10_000)), "more than 100 levels"),
    "10,000 levels of objects": (event_with("x", b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "more than 100 levels"),
    "an id of 64 kB": (event(partner_id="p" * 65_536), "partner_id has more than 2048 bytes"),
    "9 MB": (event(user_agent="x" * 9_000_000), "bytes, more than 8388608"),
    "a number": (b"7", "where an object is expected"),
    "a text": (b'"E"', "where an object is expected"),
    "a list": (b'["E"]', "where an object is expected"),
    "nothing": (b"null", "where an object is expected"),
}
