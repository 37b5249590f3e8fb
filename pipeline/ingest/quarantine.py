"""Quarantine: a rejected record's bytes, and giving it back to the stream.

Belongs here: finding a record in landing, the entry that releases it, the page on which it comes again. Does not
belong here: which records are rejected, and why (``sql/staging``, ``ops.quarantine``).

A released record lands once more at its stream's next pull and is read with that pull's mapping; the first arrival
stays where it is. Of bytes that nobody can read a release says only that a person has dealt with them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pipeline.canonical import sha256_hex
from pipeline.errors import RefusedError, StateError
from pipeline.home import Home
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landed import STREAM_PULLED, landed_chunks
from pipeline.ingest.landing import read_lines
from pipeline.ingest.originals import check_parquet, parquet_path
from pipeline.ingest.pages import Page, Unreadable
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal
from pipeline.ledger.turns import Turn
from pipeline.streams import STREAMS

QUARANTINE_RELEASED: Final = "quarantine_released"


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """Where a record landed; written ``assets:12:3:7`` (stream, turn, page, row)."""

    stream: str
    turn: int
    page: int
    row: int

    def __str__(self) -> str:
        """Write it as the terminal takes it."""
        return f"{self.stream}:{self.turn}:{self.page}:{self.row}"

    @classmethod
    def parse(cls, text: str) -> RecordKey:
        """Read it.

        Raises:
            RefusedError: it is none.

        """
        stream, _, rest = text.partition(":")
        numbers = rest.split(":")
        if (
            stream not in STREAMS
            or len(numbers) != len(("turn", "page", "row"))
            or not all(map(str.isdecimal, numbers))
        ):
            message = f"{text!r} names no record: write stream:turn:page:row, as `vipgrid quarantine list` does."
            raise RefusedError(message)
        turn, page, row = map(int, numbers)
        return cls(stream, turn, page, row)


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it landed: its bytes, and whether they are a JSON object."""

    raw: bytes
    is_readable: bool


def kept_record(home: Home, journal: Journal, key: RecordKey) -> Kept:
    """Return a record's bytes from landing.

    Raises:
        RefusedError: there is no such record.
        StateError: its file is missing or torn.

    """
    try:
        return _found(home, journal, key)
    except StateError:
        # Its file may have been merged into another one since the journal was read.
        return _found(home, journal, key)


def _found(home: Home, journal: Journal, key: RecordKey) -> Kept:
    for chunk in landed_chunks(journal):
        if (chunk.stream, chunk.turn) != (key.stream, key.turn):
            continue
        if chunk.chunk.is_parquet:
            if chunk.chunk.page == key.page and key.row < chunk.chunk.records:
                return _kept_row(home, chunk.chunk, key)
        else:
            for line in read_lines(home.landing / chunk.file):
                if (line.get("t", key.turn), line["p"], line["i"]) == (key.turn, key.page, key.row):
                    return _kept(line)
    message = f"There is no record {key} in landing; `vipgrid quarantine list` names those that are quarantined."
    raise RefusedError(message)


def release(journal: Journal, turn: Turn, keys: Sequence[RecordKey], *, actor: str, reason: str) -> int:
    """Journal that records are released; return how many were not before.

    Raises:
        RefusedError: nobody, or no reason.

    """
    if not actor.strip() or not reason.strip():
        message = "A release needs a person (--actor) and a reason (--reason)."
        raise RefusedError(message)
    known = {str(entry.source_id) for entry in journal.entries(frozenset({QUARANTINE_RELEASED}))}
    fresh = [key for key in dict.fromkeys(keys) if str(key) not in known]
    journal.append(
        [
            Draft(
                kind=QUARANTINE_RELEASED,
                known_at=turn.known_at,
                actor=actor.strip(),
                role=PERSON_ROLE,
                run_id=turn.id,
                data={"stream": key.stream, "turn": str(key.turn), "page": str(key.page), "row": str(key.row)},
                source="quarantine",
                source_id=str(key),
                occurred_at=turn.now,
                reason=reason.strip(),
            )
            for key in fresh
        ]
    )
    return len(fresh)


def released(journal: Journal) -> dict[RecordKey, str]:
    """Return every record that was ever released, with the reason."""
    entries = journal.entries(frozenset({QUARANTINE_RELEASED}))
    return {RecordKey.parse(str(entry.source_id)): entry.reason or "" for entry in entries}


def pending_releases(journal: Journal, stream: str) -> list[RecordKey]:
    """Return what was released of a stream since its last pull."""
    pending: list[RecordKey] = []
    for entry in journal.entries(frozenset({QUARANTINE_RELEASED, STREAM_PULLED})):
        if entry.kind == STREAM_PULLED:
            pending = [] if entry.source_id == stream else pending
        elif entry.data["stream"] == stream:
            pending.append(RecordKey.parse(str(entry.source_id)))
    return pending


def release_pages(home: Home, journal: Journal, turn: Turn, stream: str) -> Iterator[Page]:
    """Yield the page on which a stream's released records come again; none where there are none to be read."""
    kept = [kept_record(home, journal, key) for key in pending_releases(journal, stream)]
    items = [record.raw for record in kept if record.is_readable]
    if items:
        yield Page(
            items=items,
            body_sha256=sha256_hex(b"\n".join(items)),
            request={"method": "release from quarantine", "path": stream},
            received_at=turn.known_at,
            origin="quarantine",
            is_own=False,
        )


def _kept_row(home: Home, chunk: Chunk, key: RecordKey) -> Kept:
    """Return a Parquet row as the JSON text that is made of it."""
    from pipeline.ingest.parquet_tables import parquet_row  # Arrow takes 50 MB

    check_parquet(home.landing, chunk)
    item = parquet_row(parquet_path(home.landing, chunk), STREAMS[key.stream], key.row)
    return Kept(item.raw, is_readable=False) if isinstance(item, Unreadable) else Kept(item, is_readable=True)


def _kept(line: dict[str, Any]) -> Kept:
    if "r" in line:
        return Kept(msgspec.json.encode(line["r"]), is_readable=True)
    return Kept(base64.b64decode(line["b"]), is_readable=False)
