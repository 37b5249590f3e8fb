"""Resuming: from where a stream is asked, and each way into it that goes on by itself, as the last pull left it.

Belongs here: what is kept of a pull for the next one, and when it is void. Does not belong here: what a place means
(``pipeline.ingest.places``), the pull (``pipeline.ingest.rest``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pipeline.ingest.landed import Pulled
from pipeline.ingest.profile_incremental import ByInstant, Incremental
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.turns import Turn


class Way(msgspec.Struct, frozen=True):
    """Where a further way into the stream, or the list of its deletions, goes on; void for another kind or source."""

    source: str
    kind: str
    place: str


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the next pull starts, kept as JSON text in the journal; void for another ``source`` or ``kind``.

    ``changed_since`` is an instant, a number or a token, as the profile's kind of incremental has it, and empty where
    everything is asked for. Entries of before have no ``kind``. ``begins`` = from when on the last snapshot was, empty
    where it had everything.
    """

    source: str
    changed_since: str
    full_at: str
    kind: str = ""
    ways: tuple[Way, ...] = ()
    begins: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """From where a pull starts: ``since`` = the stream's place, None = everything; ``full_at`` = when that was last."""

    source: str
    incremental: Incremental | None
    since: str | None = None
    full_at: str | None = None
    ways: Sequence[Way] = ()

    def of_way(self, source: str, incremental: Incremental | None) -> str | None:
        """Return the place of a way that goes on by itself."""
        same = (way.place for way in self.ways if (way.source, way.kind) == (source, kind_of(incremental)))
        return next(same, None)

    def kept(self, turn: Turn, changed_since: str | None, ways: Sequence[Way], begins: str) -> str | None:
        """Return what the next pull is to know, None where that is nothing."""
        if changed_since is None and not ways:
            return None
        full_at = format_instant(turn.now) if self.full_at is None else self.full_at
        kept = _Kept(self.source, changed_since or "", full_at, kind_of(self.incremental), tuple(ways), begins)
        return msgspec.json.encode(kept).decode()


def start_of(incremental: Incremental | None, source: str, turn: Turn, last: Pulled | None) -> Start:
    """Return where a pull starts."""
    start = Start(source, incremental)
    if last is None or last.cursor is None:
        return start
    kept = msgspec.json.decode(last.cursor, type=_Kept)
    if kept.source != source or kept.kind not in {"", kind_of(incremental)}:
        return start
    if incremental is None:
        return Start(source, incremental, ways=kept.ways)
    if not kept.changed_since or _is_due(incremental, kept, turn):
        return start
    return Start(source, incremental, kept.changed_since, kept.full_at, kept.ways)


def begin_of(incremental: Incremental | None) -> str:
    """Return from when on everything is asked for, empty where from the beginning."""
    start = incremental.start if isinstance(incremental, ByInstant) else None
    return "" if start is None else format_instant(start)


def began(last: Pulled | None) -> str:
    """Return from when on the last snapshot was, empty where it had everything or there is none."""
    if last is None or last.cursor is None:
        return ""
    return msgspec.json.decode(last.cursor, type=_Kept).begins


def kind_of(incremental: Incremental | None) -> str:
    """Return the kind, empty where everything is asked for each time."""
    return "" if incremental is None else incremental.kind


def _is_due(incremental: Incremental, kept: _Kept, turn: Turn) -> bool:
    """Say whether everything is to be asked for again."""
    every = incremental.full_every
    if every is not None and turn.now >= parse_instant(kept.full_at) + every:
        return True
    if isinstance(incremental, ByInstant) and incremental.retention is not None:
        return parse_instant(kept.changed_since) < turn.now - incremental.retention
    return False
