"""The journal: what was done and decided, one canonical entry per line, durable before its effect.

Belongs here: the envelope, appending, reading, mending a torn tail. Does not belong here: what the
kinds of entries mean (their folds are ``sql/ops`` and ``sql/sync``; turns and cursors also
``pipeline.ledger.turns``).

An entry is the RFC 8785 text of a fixed envelope without JSON numbers; its ``seq`` is its line's
index from 0. Entries are never changed or removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec

from pipeline.canonical import NotCanonicalError, canonical, canonical_text
from pipeline.errors import StateError
from pipeline.formats import refuse_newer
from pipeline.instants import format_instant

FORMAT_VERSION: Final = "1"
_KNOWN_FORMATS: Final = frozenset({FORMAT_VERSION})
MAX_ENTRY_BYTES: Final = 65_535
# So few entries are put into text and written at a time: their memory is used again by the next ones.
_LINES_AT_ONCE: Final = 500
SYSTEM_ROLE: Final = "system"
PERSON_ROLE: Final = "person"

Value: TypeAlias = "str | bool | Sequence[Value] | Mapping[str, Value] | None"


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry before it has its place in the journal.

    ``source``/``source_id`` name what it is about (``vip``, an action's key …), ``known_at`` is the
    turn's clock, ``actor``/``role`` who did it (never defaulted), ``reason`` why, where one is due.
    """

    kind: str
    known_at: datetime
    actor: str
    role: str
    run_id: str
    data: Mapping[str, Value]
    source: str | None = None
    source_id: str | None = None
    source_hash: str | None = None
    occurred_at: datetime | None = None
    reason: str | None = None
    supersedes: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry as it stands in the journal; ``data`` is as the kind's writer made it."""

    seq: int
    kind: str
    known_at: str
    actor: str
    run_id: str
    source_id: str | None
    reason: str | None
    data: Mapping[str, Any]


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What is read of a line; ``data`` only where its kind is asked for."""

    v: str
    kind: str
    known_at: str
    actor: str
    run_id: str
    source_id: str | None
    reason: str | None
    data: msgspec.Raw


_line_decoder: Final = msgspec.json.Decoder(_Line)
_data_decoder: Final = msgspec.json.Decoder(dict[str, Any])


class Journal:
    """The append-only file ``<ledger>/journal.ndjson``; one writer at a time (the caller holds the lock)."""

    def __init__(self, folder: Path) -> None:
        """Name the journal's folder; nothing is read yet."""
        self.path = folder / "journal.ndjson"

    def append(self, drafts: Iterable[Draft]) -> None:
        """Append entries and return when they are durable; all of them or, after a crash, a prefix.

        Each is asked for and put into text in turn, and may be forgotten then.

        Raises:
            StateError: an entry is larger than 65,535 bytes or has no canonical text.
            OSError: the disk refused; nothing was promised.

        """
        lines = _lines(drafts)
        piece = list(islice(lines, _LINES_AT_ONCE))
        if not piece:
            return
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            start = os.fstat(descriptor).st_size
            try:
                _write_pieces(descriptor, piece, lines)
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, start)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(self.path.parent)

    def entries(self, kinds: frozenset[str] | None = None) -> Iterator[Entry]:
        """Yield the entries in order, those of the given kinds only where kinds are given.

        Raises:
            StateError: a line is not an entry (the sequence number is named), or a newer vipgrid wrote it.

        """
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for seq, line in enumerate(file):
                try:
                    read = _line_decoder.decode(line)
                    if read.v not in _KNOWN_FORMATS:
                        refuse_newer(f"Entry {seq} of the journal {self.path}", read.v, _KNOWN_FORMATS)
                    entry = _entry(seq, read) if kinds is None or read.kind in kinds else None
                except (msgspec.DecodeError, UnicodeError) as error:
                    message = f"Entry {seq} of the journal {self.path} cannot be read: {error}; restore a backup."
                    raise StateError(message) from error
                if entry is not None:
                    yield entry

    def mend(self) -> Path | None:
        """Set a torn last line aside, which no fsync ever covered, and return where it lies now.

        Called at start-up by the one writer, before anything is appended.
        """
        if not self.path.exists():
            return None
        with self.path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            torn_from = _end_of_last_line(file, size)
            if torn_from == size:
                return None
            file.seek(torn_from)
            torn = self.path.with_name(f"torn-{torn_from}.bin")
            torn.write_bytes(file.read())
            sync_folder(torn.parent)
            file.truncate(torn_from)
            os.fsync(file.fileno())
        return torn


def sync_folder(folder: Path) -> None:
    """Make a folder's new and renamed files durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(drafts: Iterable[Draft]) -> Iterator[bytes]:
    clock: datetime | None = None
    known_at = ""
    for draft in drafts:
        # Most drafts of a write share one clock.
        if draft.known_at is not clock:
            clock = draft.known_at
            known_at = format_instant(clock)
        yield _line(draft, known_at)


def _line(draft: Draft, known_at: str) -> bytes:
    # In the order in which they are written, which is the quickest to put in order.
    envelope = {
        "actor": draft.actor,
        "data": draft.data,
        "kind": draft.kind,
        "known_at": known_at,
        "occurred_at": format_instant(draft.occurred_at) if draft.occurred_at else None,
        "occurred_raw": None,
        "page_sha256": None,
        "pii": None,
        "reason": draft.reason,
        "recorded_at": None,
        "role": draft.role,
        "run_id": draft.run_id,
        "source": draft.source,
        "source_hash": draft.source_hash,
        "source_id": draft.source_id,
        "supersedes": draft.supersedes,
        "v": FORMAT_VERSION,
    }
    try:
        text = canonical_text(envelope)
        if text is None:
            _refuse_numbers(draft.kind, draft.data)
            text = canonical(envelope)
    except NotCanonicalError as error:
        message = f"A journal entry of kind {draft.kind!r} has no canonical text ({error}): nothing was written."
        raise StateError(message) from error
    if len(text) > MAX_ENTRY_BYTES:
        message = f"A journal entry of kind {draft.kind!r} has {len(text)} bytes, more than {MAX_ENTRY_BYTES}."
        raise StateError(message)
    return text


def _refuse_numbers(kind: str, value: object) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        message = f"A journal entry of kind {kind!r} holds the number {value}: numbers are written as text."
        raise StateError(message)
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_numbers(kind, part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            _refuse_numbers(kind, part)


def _entry(seq: int, line: _Line) -> Entry:
    return Entry(
        seq=seq,
        kind=line.kind,
        known_at=line.known_at,
        actor=line.actor,
        run_id=line.run_id,
        source_id=line.source_id,
        reason=line.reason,
        data=_data_decoder.decode(line.data),
    )


def _write_pieces(descriptor: int, piece: list[bytes], lines: Iterator[bytes]) -> None:
    """Write a piece, and then further lines a piece at a time; the disk takes one in while the next is made."""
    flushing: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=1) as flusher:
        while piece:
            _write_all(descriptor, b"\n".join((*piece, b"")))
            piece = list(islice(lines, _LINES_AT_ONCE))
            if piece and (not flushing or flushing[-1].done()):
                flushing.append(flusher.submit(os.fdatasync, descriptor))
    for flushed in flushing:
        # The system tells of a failure once, be it here: the last flush may then know nothing of it.
        flushed.result()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _end_of_last_line(file: BinaryIO, size: int) -> int:
    """Return the offset just behind the last line break (0 where there is none)."""
    end = size
    while end > 0:
        start = max(0, end - MAX_ENTRY_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
