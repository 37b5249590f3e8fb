"""The ``files`` connection: folders of NDJSON, CSV and Parquet files, one folder per stream.

Belongs here: which files there are, which are new, and their pages. Does not belong here: cells
(``pipeline.ingest.tables``), compression (``pipeline.ingest.compressed``), storing.

A file is read once: the same path with the same SHA-256 is skipped, a changed file is read whole.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from pipeline.errors import SourceError, StateError
from pipeline.home import Home
from pipeline.ingest.compressed import COMPRESSIONS, READ_ERRORS, open_plain
from pipeline.ingest.feeds import FeedEnd, Reading, SeenFiles
from pipeline.ingest.landing import DurableFile, check_file, hash_file, read_lines
from pipeline.ingest.landing_lines import KEPT_OF_TOO_LARGE_BYTES, MAX_RECORD_BYTES
from pipeline.ingest.originals import ORIGINALS, ChangedError, keep_original
from pipeline.ingest.pages import Item, Page, Unreadable
from pipeline.ingest.tables import TableError, csv_items
from pipeline.ledger.journal import sync_folder
from pipeline.ledger.turns import Turn
from pipeline.settings import FilesConnection
from pipeline.streams import STREAMS, Stream

PAGE_RECORDS: Final = 20_000
PAGE_BYTES: Final = 16 * 2**20
_NAME: Final = re.compile(r"[^.].*?\.(?P<kind>ndjson|jsonl|csv|parquet)(?:\.gz|\.zst)?", re.IGNORECASE)
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file of a stream: ``path`` as in the connection's folder, ``stored`` where its bytes are read."""

    path: str
    stored: Path
    kind: str
    ending: str


class FilesFeed:
    """One stream's folder at one turn."""

    def __init__(  # noqa: PLR0913 - all of them are needed, none belongs to another
        self,
        name: str,
        connection: FilesConnection,
        root: Path,
        stream: str,
        *,
        turn: Turn,
        home: Home,
        last_seen: SeenFiles | None,
    ) -> None:
        """Name the folder; nothing is read yet. ``root`` is the connection's path, made absolute."""
        self._name = name
        self._connection = connection
        self._root = root
        self._stream: Stream = STREAMS[stream]
        self._turn = turn
        self._home = home
        self._last_seen = last_seen
        self._new: dict[str, str] = {}
        self._is_absent = False

    def pages(self) -> Iterator[Page]:
        """Yield the pages of the files that are new or changed, by name.

        Raises:
            SourceError: the folder or a file cannot be read; the sentence names it.

        """
        seen = self._read_seen()
        for file in self.files():
            try:
                before = identity_of(file.stored)
                sha256 = hash_file(file.stored)
                if seen.get(file.path) == sha256:
                    continue
                yield from self.pages_of(file, sha256)
                if identity_of(file.stored) != before:
                    raise self._changed(file)
            except READ_ERRORS as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise self._unreadable(file, reason, is_transient=isinstance(error, FileNotFoundError)) from error
            except TableError as error:
                raise self._unreadable(file, str(error)) from error
            self._new[file.path] = sha256

    @property
    def reading(self) -> Reading:
        """How its records are read: files have the fields' own names."""
        return Reading()

    def end(self) -> FeedEnd:
        """Say how far the folder is complete, and keep the list of the files read."""
        return FeedEnd(
            reached_end=self._watermark() is not None,
            watermark=self._watermark(),
            is_snapshot=False,
            seen_files=self._write_seen(),
        )

    def _watermark(self) -> datetime | None:
        declared = self._connection.watermark
        if declared == "now":
            return self._turn.now
        if isinstance(declared, datetime):
            return declared
        return None if self._is_absent else self._turn.now - self._connection.safety_lag

    def files(self) -> list[FoundFile]:
        """Return the stream's files, by name.

        Raises:
            SourceError: the folder cannot be read.

        """
        if not self._root.is_dir():
            message = f"The folder {self._root} of connection {self._name} is not there: correct its path."
            raise SourceError(message, is_transient=False)
        folder = self._root / self._stream.name
        if not folder.exists():
            self._is_absent = True
            return []
        try:
            names = sorted(entry.name for entry in folder.iterdir() if not entry.is_dir())
        except OSError as error:
            message = f"The folder {folder} of connection {self._name} cannot be read: {error.strerror}."
            raise SourceError(message, is_transient=False) from error
        found = [(name, match) for name in names if (match := _NAME.fullmatch(name))]
        return [
            FoundFile(
                f"{self._stream.name}/{name}", folder / name, match["kind"].lower(), name[match.start("kind") :].lower()
            )
            for name, match in found
        ]

    def pages_of(self, file: FoundFile, sha256: str) -> Iterator[Page]:
        """Yield the pages of one file; one page without records where it has none."""
        request = {"method": "read", "path": file.path}
        source = file
        if file.kind in {"csv", "parquet"}:
            original = self._keep_original(file, sha256)
            request["original"] = f"{ORIGINALS}/{original.name}"
            source = replace(file, stored=original)
        part = 0
        for part, items in enumerate(_in_pages(self._items(source)), 1):
            yield self._page(file, sha256, items, {**request, "part": str(part)})
        if part == 0:
            yield self._page(file, sha256, [], request)

    def _page(self, file: FoundFile, sha256: str, items: list[Item], request: dict[str, str]) -> Page:
        return Page(items=items, body_sha256=sha256, request=request, received_at=self._turn.known_at, origin=file.path)

    def _items(self, file: FoundFile) -> Iterator[Item]:
        if file.kind == "parquet":
            yield from self._parquet_items(file)
            return
        with open_plain(file.stored, file.ending) as plain:
            yield from csv_items(plain, self._stream) if file.kind == "csv" else _ndjson_items(plain)

    def _parquet_items(self, file: FoundFile) -> Iterator[Item]:
        from pipeline.ingest.parquet_tables import parquet_items  # Arrow takes 50 MB

        if not file.ending.endswith(COMPRESSIONS):
            yield from parquet_items(file.stored, self._stream)
            return
        unpacked = self._home.scratch / f"{self._stream.name}-{file.stored.name}.parquet"
        unpacked.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open_plain(file.stored, file.ending) as plain, unpacked.open("wb") as target:
                shutil.copyfileobj(plain, target)
            yield from parquet_items(unpacked, self._stream)
        finally:
            unpacked.unlink(missing_ok=True)

    def _keep_original(self, file: FoundFile, sha256: str) -> Path:
        try:
            return keep_original(self._home.landing, file.stored, sha256, file.ending)
        except ChangedError as error:
            raise self._changed(file) from error

    def _read_seen(self) -> dict[str, str]:
        if self._last_seen is None:
            return {}
        path = self._home.landing / self._last_seen.file
        check_file(path, self._last_seen.sha256)
        return {line["path"]: line["sha256"] for line in read_lines(path)}

    def _write_seen(self) -> SeenFiles | None:
        if not self._new:
            return self._last_seen
        seen = {**self._read_seen(), **self._new}
        folder = self._home.landing / self._stream.system.value / self._stream.name
        try:
            file = DurableFile(folder / f"{self._turn.number:06d}.files.ndjson.zst")
            for path, sha256 in sorted(seen.items()):
                file.write(msgspec.json.encode({"path": path, "sha256": sha256}) + b"\n")
            sha256 = file.close()
            sync_folder(folder)
        except OSError as error:
            message = f"Cannot write the list of files read in {folder}: {error.strerror}; make room there."
            raise StateError(message) from error
        return SeenFiles(file.path.relative_to(self._home.landing).as_posix(), sha256, len(seen))

    def _changed(self, file: FoundFile) -> SourceError:
        return self._unreadable(file, "it changed while it was read; run it again", is_transient=True)

    def _unreadable(self, file: FoundFile, reason: str, *, is_transient: bool = False) -> SourceError:
        message = f"The file {self._root / file.path} of connection {self._name} cannot be read: {reason}."
        return SourceError(message, is_transient=is_transient)


def identity_of(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is written."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _ndjson_items(file: BinaryIO) -> Iterator[Item]:
    """Yield the lines of an NDJSON file; blank ones are none, and one without end is cut off."""
    limit = MAX_RECORD_BYTES + 1
    is_first = True
    while line := file.readline(limit):
        if is_first:
            line, is_first = line.removeprefix(_BOM), False
        size = len(line)
        if size == limit and not line.endswith(b"\n"):
            while rest := file.readline(limit):
                size += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield Unreadable(line[:KEPT_OF_TOO_LARGE_BYTES], f"the line has {size} bytes; its beginning is kept")
        elif record := line.strip(b" \t\r\n"):
            yield record


def _in_pages(items: Iterator[Item]) -> Iterator[list[Item]]:
    page: list[Item] = []
    size_bytes = 0
    for item in items:
        page.append(item)
        size_bytes += len(item.raw if isinstance(item, Unreadable) else item)
        if len(page) >= PAGE_RECORDS or size_bytes >= PAGE_BYTES:
            yield page
            page, size_bytes = [], 0
    if page:
        yield page
