"""Deletion by absence: a record that two complete snapshots in a row do not have is marked as ended.

Belongs here: the list of keys from snapshot to snapshot, and the marked records. Does not belong here: whether a pull
was a snapshot (``pipeline.ingest.rest``), what a mark means (``pipeline.sqlmodels.mapped``).

A marked record is its last bytes with one or two members of ours added at the end. One that comes back is marked too,
because its own content may be the very same as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from pipeline.canonical import sha256_hex
from pipeline.ingest.pages import Item, Unreadable
from pipeline.ingest.paths import JsonPath, found_at
from pipeline.instants import format_instant

ABSENT_SINCE: Final = "vipgrid:absent_since"
MARKED_AT: Final = "vipgrid:marked_at"


class Seen(msgspec.Struct, omit_defaults=True):
    """One key of the last snapshots: ``since`` = missing since that snapshot, ``record`` = its last bytes."""

    key: str
    since: str | None = None
    record: str | None = None
    is_marked: bool = False


@dataclass
class Snapshot:
    """The keys of one complete pull, held against those before."""

    paths: Sequence[JsonPath]
    before: Mapping[str, Seen]
    now: datetime
    max_drop: float
    keys: set[str] = field(default_factory=set)
    returned: dict[str, bytes] = field(default_factory=dict)
    unreadable: int = 0

    def add(self, items: Iterable[Item]) -> None:
        """Note the records of a page."""
        for item in items:
            key = None if isinstance(item, Unreadable) else self._key(item)
            if key is None or isinstance(item, Unreadable):
                self.unreadable += 1
                continue
            self.keys.add(key)
            if key in self.before and self.before[key].is_marked:
                self.returned[key] = item

    def doubt(self) -> str | None:
        """Say why this is not to be believed as a snapshot, None where it is."""
        if self.unreadable:
            return f"{self.unreadable} of its records cannot be read, so what is missing cannot be told"
        had = sum(1 for seen in self.before.values() if not seen.is_marked)
        if len(self.keys) < had * (1 - self.max_drop):
            return f"it has {len(self.keys)} records where the last had {had}, which is more than max_drop allows to go"
        return None

    def settle(self, find: Callable[[frozenset[str]], Mapping[str, bytes]]) -> tuple[list[bytes], list[Seen]]:
        """Return the records to mark, and the list of keys to keep; ``find`` gives the last bytes of keys."""
        stamp = format_instant(self.now)
        missing = [seen for key, seen in self.before.items() if key not in self.keys]
        found = find(frozenset(seen.key for seen in missing if seen.since is None))
        marked = [_marked(item, {MARKED_AT: stamp}) for item in self.returned.values()]
        kept = [Seen(key) for key in sorted(self.keys)]
        for seen in missing:
            if seen.since is None:
                if seen.key in found:
                    kept.append(Seen(seen.key, stamp, found[seen.key].decode()))
                continue
            if not seen.is_marked:
                marks = {ABSENT_SINCE: seen.since, MARKED_AT: stamp}
                marked.append(_marked((seen.record or "{}").encode(), marks))
            kept.append(Seen(seen.key, seen.since, seen.record, is_marked=True))
        return marked, kept

    def keys_of(self, items: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
        """Yield records with their keys."""
        for item in items:
            key = self._key(item)
            if key is not None:
                yield key, item

    def _key(self, item: bytes) -> str | None:
        try:
            record = msgspec.json.decode(item)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        parts = [found_at(record, path) for path in self.paths]
        return None if all(part is None for part in parts) else sha256_hex(msgspec.json.encode(parts))


def _marked(record: bytes, marks: Mapping[str, Any]) -> bytes:
    body = record.rstrip()[:-1].rstrip()
    added = msgspec.json.encode(marks)[1:]
    return body + (b"" if body.endswith(b"{") else b",") + added
