"""The import: bulk history from folders of files, one journal entry per file, what was imported before left alone.

Belongs here: which files are new, landing each of them, the entry that makes it exist. Does not belong here: NDJSON and
CSV (``pipeline.ingest.files``), a Parquet file's bytes later on (``pipeline.ingest.originals``), tables.

A file is known by its stream and its SHA-256, wherever it lies and whatever its name. Its ``file_imported`` entry is
its commit point: an import that was cut short goes on behind the last one. NDJSON and CSV land as a pull lands them. A
Parquet file is not written again: it lands by reference (path, hash, rows, columns), or as a copy of its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import RefusedError, SourceError, StateError
from pipeline.home import Home
from pipeline.ingest.chunks import PARQUET, Chunk
from pipeline.ingest.files import FilesFeed, FoundFile, identity_of
from pipeline.ingest.landed import FILE_IMPORTED, landed_chunks, leftovers
from pipeline.ingest.landing import StreamWriter, hash_file
from pipeline.ingest.originals import ORIGINALS, ChangedError, check_parquet, copied_path, keep_original
from pipeline.ingest.tables import TableError
from pipeline.ledger.journal import Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.settings import FilesConnection
from pipeline.streams import STREAMS

SOURCE: Final = "import"
_PART: Final = ".import-"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was not imported yet."""

    stream: str
    file: FoundFile
    sha256: str
    identity: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder has: the new files, how many are known already, and those of the known ones that are Parquet."""

    new: Sequence[NewFile]
    known: int
    known_parquet: Sequence[NewFile]


@dataclass(frozen=True, slots=True)
class Importer:
    """One folder's import; ``is_copying``: a copy of a Parquet file's bytes is kept."""

    folder: Path
    home: Home
    journal: Journal
    is_copying: bool
    on_progress: Progress

    def find(self, streams: Sequence[str] | None = None) -> Found:
        """Look at the folders of these streams (None = of every one that has a folder) and hash their files.

        Raises:
            RefusedError: there is no such folder, or no stream's folder in it.
            SourceError: a file cannot be read.

        """
        wanted = [name for name in STREAMS if (self.folder / name).is_dir()] if streams is None else list(streams)
        if missing := [name for name in wanted if not (self.folder / name).is_dir()]:
            message = f"There is no folder {self.folder / missing[0]}: an import reads FOLDER/<stream>/<files>."
            raise RefusedError(message)
        if not wanted:
            message = (
                f"{self.folder} has no stream's folder: put files in FOLDER/<stream>/, for instance access_events/."
            )
            raise RefusedError(message)
        known = imported_hashes(self.journal)
        new: list[NewFile] = []
        old: list[NewFile] = []
        for stream in wanted:
            for file in self._feed(stream, None).files():
                self.on_progress(f"hashing {file.path}")
                found = self._hashed(stream, file)
                is_known = found.sha256 in known.setdefault(stream, set())
                known[stream].add(found.sha256)
                (old if is_known else new).append(found)
        return Found(new, len(old), [found for found in old if _is_parquet(found.file)])

    def keep(self, found: Sequence[NewFile]) -> int:
        """Copy known Parquet files that have no copy yet; return how many."""
        lacking = [one for one in found if not (self.home.landing / _copy_name(one.sha256)).exists()]
        for one in lacking:
            self.on_progress(f"copying {one.file.path}")
            self._copied(one)
        return len(lacking)

    def land(self, found: Sequence[NewFile], turn: Turn) -> dict[str, int]:
        """Land files and journal each; return the records by stream.

        Raises:
            SourceError: a file cannot be read; what came before it is imported.
            StateError: the disk refused.

        """
        for left in leftovers(self.home.landing, self.journal):
            if _PART in left.name:
                left.unlink(missing_ok=True)
        pages = pages_of_turn(self.journal, turn)
        records: dict[str, int] = {}
        for place, one in enumerate(found, 1):
            self.on_progress(f"landing file {place} of {len(found)}, {one.file.path}")
            first_page = pages.get(one.stream, 0) + 1
            chunks = self._land(one, turn, first_page)
            if identity_of(one.file.stored) != one.identity:
                raise self._unreadable(one.file, "it changed while it was read; run it again")
            self._journal(one, turn, chunks)
            pages[one.stream] = first_page - 1 + sum(chunk.pages for chunk in chunks)
            records[one.stream] = records.get(one.stream, 0) + sum(chunk.records for chunk in chunks)
        return records

    def _land(self, one: NewFile, turn: Turn, page: int) -> Sequence[Chunk]:
        try:
            if _is_parquet(one.file):
                return [self._parquet_chunk(one, page)]
            system = STREAMS[one.stream].system.value
            part = f"{_PART}{page}"
            with StreamWriter(self.home.landing, system, one.stream, turn.number, part=part, first_page=page) as writer:
                for lines in self._feed(one.stream, turn).pages_of(one.file, one.sha256):
                    writer.add(lines)
                return writer.finish()
        except TableError as error:
            raise self._unreadable(one.file, str(error)) from error

    def _parquet_chunk(self, one: NewFile, page: int) -> Chunk:
        from pipeline.ingest.parquet_tables import parquet_shape  # Arrow takes 50 MB

        shape = parquet_shape(one.file.stored, STREAMS[one.stream])
        if self.is_copying:
            self._copied(one)
        return Chunk(
            file=str(one.file.stored.resolve()),
            sha256=one.sha256,
            records=shape.rows,
            rejected=0,
            pages_file="",
            pages_sha256="",
            pages=1,
            format=PARQUET,
            page=page,
            columns=json.dumps(dict(shape.columns)),
        )

    def _copied(self, one: NewFile) -> None:
        try:
            keep_original(self.home.landing, one.file.stored, one.sha256, "parquet")
        except ChangedError as error:
            raise self._unreadable(one.file, "it changed while it was read; run it again") from error

    def _journal(self, one: NewFile, turn: Turn, chunks: Sequence[Chunk]) -> None:
        data: dict[str, Value] = {
            "turn": str(turn.number),
            "path": str(one.file.stored.resolve()),
            "sha256": one.sha256,
            "is_copied": self.is_copying or not _is_parquet(one.file),
            "records": str(sum(chunk.records for chunk in chunks)),
            "chunks": [chunk.as_data() for chunk in chunks],
        }
        try:
            self.journal.append([turn.draft(FILE_IMPORTED, data, source=SOURCE, source_id=one.stream)])
        except OSError as error:
            message = f"Cannot write the journal {self.journal.path}: {error.strerror}; make room and run it again."
            raise StateError(message) from error

    def _hashed(self, stream: str, file: FoundFile) -> NewFile:
        try:
            identity = identity_of(file.stored)
            return NewFile(stream, file, hash_file(file.stored), identity)
        except OSError as error:
            raise self._unreadable(file, error.strerror or str(error)) from error

    def _feed(self, stream: str, turn: Turn | None) -> FilesFeed:
        connection = FilesConnection(kind="files", path=self.folder)
        # Without a turn only the folder is looked at.
        return FilesFeed(SOURCE, connection, self.folder, stream, turn=turn, home=self.home, last_seen=None)  # type: ignore[arg-type]

    def _unreadable(self, file: FoundFile, reason: str) -> SourceError:
        return SourceError(f"The file {file.stored} cannot be imported: {reason}.", is_transient=False)


def imported_hashes(journal: Journal) -> dict[str, set[str]]:
    """Return the hashes of the files that were ever imported, by stream."""
    known: dict[str, set[str]] = {}
    for entry in journal.entries(frozenset({FILE_IMPORTED})):
        known.setdefault(str(entry.source_id), set()).add(entry.data["sha256"])
    return known


def imported_streams(journal: Journal, turn: Turn) -> list[str]:
    """Return the streams of which a turn imported something."""
    entries = journal.entries(frozenset({FILE_IMPORTED}))
    return sorted({str(entry.source_id) for entry in entries if int(entry.data["turn"]) == turn.number})


def pages_of_turn(journal: Journal, turn: Turn) -> dict[str, int]:
    """Return how many pages a turn imported, by stream."""
    pages: dict[str, int] = {}
    for landed in landed_chunks(journal):
        if landed.turn == turn.number:
            pages[landed.stream] = pages.get(landed.stream, 0) + landed.chunk.pages
    return pages


def referenced_files(home: Home, journal: Journal) -> Iterator[Path]:
    """Yield the Parquet files outside of the home that tables are made from."""
    for chunk in referenced_chunks(home, journal):
        yield Path(chunk.file)


def referenced_chunks(home: Home, journal: Journal) -> Iterator[Chunk]:
    """Yield what was imported by reference and has no copy in the home."""
    for landed in landed_chunks(journal):
        if landed.chunk.is_parquet and not copied_path(home.landing, landed.chunk).exists():
            yield landed.chunk


def lacking_files(home: Home, journal: Journal) -> list[Chunk]:
    """Return what was imported by reference and is not where it was found, or not what it was."""
    lacking = []
    for chunk in referenced_chunks(home, journal):
        try:
            check_parquet(home.landing, chunk)
        except StateError:
            lacking.append(chunk)
    return lacking


def _is_parquet(file: FoundFile) -> bool:
    return file.ending == "parquet"


def _copy_name(sha256: str) -> str:
    return f"{ORIGINALS}/{sha256}.parquet"
