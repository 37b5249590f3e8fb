"""Reconciling: what a second, independent pass over a source found, and landing what we had missed.

Belongs here: the entries, and the page on which missed records come in. Does not belong here: reading the source again
and comparing (``resources.reconciling``), the rows that people read (``sql/ops/reconciliations.sql``,
``sql/ops/differences.sql``).

A difference is a record that the source has and we never had (``missing_here``), one of which we never had this content
(``other_content``), or one that we have and the source does not (``not_at_source``). The bytes of the first two are
kept with the entry, and land at the stream's next pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from pipeline.canonical import sha256_hex
from pipeline.errors import StateError
from pipeline.home import Home
from pipeline.ingest.feeds import SeenFiles
from pipeline.ingest.landed import STREAM_PULLED, STREAM_RECONCILED
from pipeline.ingest.landing import DurableFile, check_file, make_durable_folder, raw_lines
from pipeline.ingest.pages import Page
from pipeline.ingest.windows import Window
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Journal, Value, sync_folder
from pipeline.ledger.turns import Turn
from pipeline.streams import STREAMS

DIFFERENCE_FOUND: Final = "difference_found"
MISSING_HERE: Final = "missing_here"
OTHER_CONTENT: Final = "other_content"
NOT_AT_SOURCE: Final = "not_at_source"
MOST_JOURNALLED: Final = 10_000
_PREFIX: Final = "R"


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that the two sides do not agree on; ``record_sha256`` is of the source's content."""

    kind: str
    record_key: str
    record_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """One stream's second pass; ``window`` None = the whole stream, ``counted`` = only a number was asked for."""

    stream: str
    connection: str
    window: Window | None
    source_records: int
    our_records: int | None
    differences: Sequence[Difference]
    counted: bool = False

    def count(self, kind: str) -> int:
        """Say how many differences of a kind there are."""
        return sum(1 for difference in self.differences if difference.kind == kind)


def next_number(journal: Journal) -> str:
    """Return the name of the next pass."""
    return f"{_PREFIX}{sum(1 for _ in journal.entries(frozenset({STREAM_RECONCILED}))) + 1:06d}"


def keep_found(home: Home, stream: str, number: str, records: Sequence[bytes]) -> SeenFiles | None:
    """Keep the records that we had missed, byte for byte, until the next pull; None where there are none.

    Raises:
        StateError: the disk refused.

    """
    if not records:
        return None
    folder = home.landing / STREAMS[stream].system.value / stream
    try:
        make_durable_folder(folder, home.landing)
        file = DurableFile(folder / f"{number}.found.ndjson.zst")
        for record in records:
            file.write(record + b"\n")
        sha256 = file.close()
        sync_folder(folder)
    except OSError as error:
        message = f"Cannot keep what was found of {stream} in {folder}: {error.strerror}; make room there."
        raise StateError(message) from error
    return SeenFiles(file.path.relative_to(home.landing).as_posix(), sha256, len(records))


def journal_pass(journal: Journal, turn: Turn, number: str, done: Reconciled, found: SeenFiles | None) -> None:
    """Journal a pass and its differences, the first ten thousand one by one."""
    system = STREAMS[done.stream].system.value
    data: dict[str, Value] = {
        "reconciliation_id": number,
        "turn": str(turn.number),
        "connection": done.connection,
        "method": "count" if done.counted else "read",
        "from": None if done.window is None else _stamp(done.window.since),
        "to": None if done.window is None else _stamp(done.window.until),
        "source_records": str(done.source_records),
        "our_records": None if done.our_records is None else str(done.our_records),
        **{kind: str(done.count(kind)) for kind in (MISSING_HERE, OTHER_CONTENT, NOT_AT_SOURCE)},
        "found": None if found is None else {name: str(value) for name, value in asdict(found).items()},
    }
    journal.append(
        [
            turn.draft(STREAM_RECONCILED, data, source=system, source_id=done.stream),
            *(_drafts(turn, system, number, done)),
        ]
    )


def found_pages(home: Home, journal: Journal, turn: Turn, stream: str) -> Iterator[Page]:
    """Yield the pages on which the records come in that passes since the stream's last pull found missing."""
    pending: list[SeenFiles] = []
    for entry in journal.entries(frozenset({STREAM_RECONCILED, STREAM_PULLED})):
        if entry.source_id != stream:
            continue
        if entry.kind == STREAM_PULLED:
            pending = []
        elif entry.data["found"] is not None:
            found = entry.data["found"]
            pending.append(SeenFiles(found["file"], found["sha256"], int(found["count"])))
    for found in pending:
        path = home.landing / found.file
        check_file(path, found.sha256)
        items = [line.removesuffix(b"\n") for line in chain.from_iterable(raw_lines(path))]
        yield Page(
            items=items,
            body_sha256=sha256_hex(b"\n".join(items)),
            request={"method": "reconcile", "path": stream, "found": found.file},
            received_at=turn.known_at,
            origin="reconciliation",
        )


def _drafts(turn: Turn, system: str, number: str, done: Reconciled) -> Iterator[Draft]:
    for difference in done.differences[:MOST_JOURNALLED]:
        data: dict[str, Value] = {
            "reconciliation_id": number,
            "stream": done.stream,
            "kind": difference.kind,
            "record_key": difference.record_key,
            "record_sha256": difference.record_sha256,
        }
        difference_id = f"{done.stream}:{difference.kind}:{difference.record_key}"
        yield turn.draft(DIFFERENCE_FOUND, data, source=system, source_id=difference_id)


def _stamp(instant: datetime) -> str:
    return format_instant(instant)
