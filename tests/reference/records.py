"""What any sync ever received, and the order of its editions (docs/domain.md 2 and 3).

Here belong: arrivals, keys, editions, and reading one field of a record.
Not here: what a record means. Slow and obvious on purpose; nothing is cached.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeAlias, cast

import rfc8785

Record: TypeAlias = dict[str, object]
Key: TypeAlias = tuple[object, ...]

KEY_FIELDS: dict[str, tuple[str, ...]] = {
    "assets": ("asset_id",),
    "asset_versions": ("asset_id", "version_no"),
    "segments": ("segment_id",),
    "segment_assets": ("segment_id", "asset_id", "added_at"),
    "grants": ("grant_id",),
    "packages": ("package_id",),
    "package_items": ("package_id", "asset_id"),
    "deliveries": ("delivery_id",),
    "access_events": ("event_id",),
    "partners": ("partner_id",),
    "partner_users": ("user_id",),
    "partner_groups": ("group_id",),
    "group_members": ("group_id", "partner_id", "joined_at"),
    "acknowledgments": ("ack_id",),
    "notices": ("notice_id",),
    "xref": ("entity", "vip_id", "trading_grid_id"),
    "reviews": ("review_id",),
    "requests": ("request_id",),
    "request_events": ("event_id",),
    "issues": ("issue_id",),
    "issue_events": ("event_id",),
    "campaigns": ("campaign_id",),
    "campaign_partners": ("campaign_id", "partner_id"),
    "campaign_tasks": ("task_id",),
    "decisions": ("decision_id",),
}
"""The streams that the reference reads, and their keys (docs/domain.md 3)."""

OUR_STREAMS = frozenset({"decisions"})
"""What persons decided here: journalled, never fed by a system."""

INSTANT_KEY_FIELDS = frozenset({"added_at", "joined_at"})


@dataclass(frozen=True)
class Arrival:
    """One record as one sync received it."""

    stream: str
    known_at: datetime
    record: Record


@dataclass(frozen=True)
class Edition:
    """One distinct text of a record; its first arrival counts."""

    record: Record
    known_at: datetime
    ordered_at: datetime
    digest: str


def text(record: Record, field: str) -> str | None:
    """Read a text; missing and null are the same absence."""
    value = record.get(field)
    return None if value is None else str(value)


def integer(record: Record, field: str) -> int | None:
    """Read an integer; missing and null are the same absence."""
    value = record.get(field)
    return None if value is None else int(cast("int", value))


def texts(record: Record, field: str) -> list[str]:
    """Read a list of texts; absent is empty."""
    return [str(item) for item in cast("list[object]", record.get(field) or [])]


def instant(record: Record, field: str) -> datetime | None:
    """Read an RFC 3339 instant, in UTC."""
    value = text(record, field)
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        message = f"{field}={value!r} has no offset; an RFC 3339 instant has one"
        raise ValueError(message)
    return parsed.astimezone(UTC)


def required_instant(record: Record, field: str) -> datetime:
    """Read an instant that the record must have."""
    value = instant(record, field)
    if value is None:
        message = f"{field} is missing in {record}"
        raise ValueError(message)
    return value


def local_time(record: Record, field: str) -> datetime | None:
    """Read a naive local time."""
    value = text(record, field)
    return None if value is None else datetime.fromisoformat(value)


def key_of(stream: str, record: Record) -> Key | None:
    """Return the record's key, or None where a key field is absent."""
    values = [
        instant(record, field) if field in INSTANT_KEY_FIELDS else record.get(field) for field in KEY_FIELDS[stream]
    ]
    return None if any(value is None for value in values) else tuple(values)


def digest_of(record: Record) -> str:
    """Return the sha256 of the record's RFC 8785 text, in hex."""
    return sha256(rfc8785.dumps(cast("dict[str, str]", record))).hexdigest()


class Knowledge:
    """All that was known at an instant: every edition of every record, in order."""

    def __init__(self, arrivals: Iterable[Arrival], as_known_at: datetime | None = None) -> None:
        """Keep what had arrived by `as_known_at` (None: everything)."""
        self._histories: dict[str, dict[Key, list[Edition]]] = {}
        for arrival in arrivals:
            if as_known_at is None or arrival.known_at <= as_known_at:
                self._receive(arrival)
        for histories in self._histories.values():
            for editions in histories.values():
                # Docs/domain.md 3: equal ones by the greater sha256.
                editions.sort(key=lambda edition: (edition.ordered_at, edition.digest))

    def _receive(self, arrival: Arrival) -> None:
        if arrival.stream not in KEY_FIELDS:
            return
        key = key_of(arrival.stream, arrival.record)
        if key is None:
            return
        editions = self._histories.setdefault(arrival.stream, {}).setdefault(key, [])
        digest = digest_of(arrival.record)
        if any(edition.digest == digest for edition in editions):
            return
        ordered_at = instant(arrival.record, "updated_at") or instant(arrival.record, "recorded_at") or arrival.known_at
        editions.append(Edition(arrival.record, arrival.known_at, ordered_at, digest))

    def histories(self, stream: str) -> dict[Key, list[Edition]]:
        """All editions by key, each list in the order of editions."""
        return self._histories.get(stream, {})

    def history(self, stream: str, *key: object) -> list[Edition]:
        """All editions of one record, in the order of editions."""
        return self.histories(stream).get(key, [])

    def current(self, stream: str) -> list[Record]:
        """Return the latest edition of every record."""
        return [editions[-1].record for editions in self.histories(stream).values()]

    def find(self, stream: str, *key: object) -> Record | None:
        """Return the latest edition of one record."""
        editions = self.history(stream, *key)
        return editions[-1].record if editions else None


def first_that_says(editions: list[Edition], field: str, value: object) -> Record | None:
    """Return the first edition, in their order, whose field has this value."""
    for edition in editions:
        if edition.record.get(field) == value:
            return edition.record
    return None


def is_within(record: Record, start: str, end: str, at: datetime) -> bool:
    """Whether the instant lies in the half-open `[start, end)` of the record."""
    started_at, ended_at = instant(record, start), instant(record, end)
    has_begun = started_at is None or started_at <= at
    return has_begun and (ended_at is None or at < ended_at)


def has_passed(moment: datetime | None, at: datetime) -> bool:
    """Whether there is such a moment, and it has come by the instant."""
    return moment is not None and moment <= at
