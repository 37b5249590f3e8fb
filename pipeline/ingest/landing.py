"""Landing: pages and records as received, in few large, immutable, checksummed files.

Belongs here: the chunk files' layout, their durable writing, their verification. Does not belong
here: the journal entry that makes them exist (``pipeline.ingest.pull``), their reading by SQL.

``<landing>/<system>/<stream>/<turn>-<n>.ndjson.zst`` has one line per record, beside it
``….pages.ndjson.zst`` one line per page. A chunk that no ``stream_pulled`` entry names does not
exist: it is what a killed pull left, and the next try of the same turn removes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import msgspec
import zstandard

from pipeline.canonical import Hasher
from pipeline.errors import StateError
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landing_lines import page_line, record_text
from pipeline.ingest.pages import Page
from pipeline.ingest.shapes import Shapes
from pipeline.ledger.journal import sync_folder

FIRST_CHUNK_BYTES: Final = 16 * 2**20
CHUNKS_OF_A_SIZE: Final = 32
# Higher ones take longer and, with a hash in each line, give no smaller files.
_COMPRESSION_LEVEL: Final = 1
_COMPRESSING_THREADS: Final = 1
_HASH_BLOCK_BYTES: Final = 2**20


def check_chunk(landing: Path, chunk: Chunk) -> None:
    """Hold a chunk's files against the checksums that the journal has of them.

    Raises:
        StateError: a file is missing, unreadable, or not what it was.

    """
    for name, expected in chunk.own_files:
        check_file(landing / name, expected)


def check_file(path: Path, expected_sha256: str) -> None:
    """Hold one stored file against its checksum.

    Raises:
        StateError: the file is missing, unreadable, or not what it was.

    """
    try:
        stored = hash_file(path)
    except OSError as error:
        message = f"The landing file {path} cannot be read: {error.strerror}; restore it from a backup."
        raise StateError(message) from error
    if stored != expected_sha256:
        message = f"The landing file {path} was changed: stored={stored}, expected={expected_sha256}; restore it."
        raise StateError(message)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a landing file's lines, decoded.

    Raises:
        StateError: the file is torn or not what this module writes.

    """
    try:
        for lines in raw_lines(path):
            yield from map(msgspec.json.decode, lines)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _unreadable(path, error) from error


def raw_lines(path: Path) -> Iterator[list[bytes]]:
    """Yield a landing file's lines as they are, line breaks included, many at once.

    Raises:
        StateError: the file is torn.

    """
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            rest = b""
            while block := stream.read(_HASH_BLOCK_BYTES):
                *lines, rest = (rest + block).split(b"\n")
                yield [line + b"\n" for line in lines]
    except (OSError, zstandard.ZstdError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> StateError:
    return StateError(f"The landing file {path} cannot be read ({error}); restore it from a backup.")


class StreamWriter:
    """Writes one stream's pages of one turn; what it wrote exists once the journal names it.

    ``part`` tells apart what several writers write in one turn; pages are numbered from ``first_page`` on.
    ``on_chunk``, where somebody sets it, is told of every chunk that is durable, but not of one that is all there is.

    Leaving the context without ``finish`` removes every file again.
    """

    def __init__(
        self, landing: Path, system: str, stream: str, turn_number: int, *, part: str = "", first_page: int = 1
    ) -> None:
        """Name the files; nothing is touched yet."""
        self._landing = landing
        self._folder = landing / system / stream
        self._prefix = f"{turn_number:06d}{part}"
        self._chunks: list[Chunk] = []
        self._open: _OpenChunk | None = None
        self._pages_before = self._page_no = first_page - 1
        self._hasher = Hasher()
        self._shapes = Shapes()
        self._is_finished = False
        self.on_chunk: Callable[[Chunk], None] | None = None

    def __enter__(self) -> Self:
        """Make the folder and remove what an earlier try of this turn left.

        Raises:
            StateError: the disk refused.

        """
        try:
            make_durable_folder(self._folder, self._landing)
            self._remove_files()
        except OSError as error:
            raise _refused(self._folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the files of a pull that did not finish."""
        if not self._is_finished:
            self.discard()

    @property
    def records(self) -> int:
        """How many records were written so far."""
        return sum(chunk.records for chunk in self._chunks) + (self._open.records if self._open else 0)

    @property
    def rejected(self) -> int:
        """How many of them nobody can read."""
        return sum(chunk.rejected for chunk in self._chunks) + (self._open.rejected if self._open else 0)

    @property
    def shape(self) -> Mapping[str, Sequence[str]]:
        """Every field of the records so far, with the kinds of values in it."""
        return self._shapes.kinds

    def add(self, page: Page) -> None:
        """Write one page and its records.

        Raises:
            StateError: the disk refused.

        """
        try:
            if self._open is None:
                self._open = _OpenChunk(self._folder / f"{self._prefix}-{len(self._chunks) + 1:04d}")
            self._page_no += 1
            self._open.add(self._page_no, page, self._hasher, self._shapes)
            # Larger chunks later keep the number of them, and so the journal's entry, small.
            if self._open.size_bytes >= FIRST_CHUNK_BYTES << (2 * (len(self._chunks) // CHUNKS_OF_A_SIZE)):
                self._tell(self._close_chunk())
        except OSError as error:
            raise _refused(self._folder, error) from error

    def finish(self) -> tuple[Chunk, ...]:
        """Make everything durable under its final names and return it for the journal.

        Raises:
            StateError: the disk refused.

        """
        try:
            is_alone = not self._chunks
            last = self._close_chunk()
            if self._chunks:
                sync_folder(self._folder)
            if not is_alone:
                self._tell(last)
        except OSError as error:
            raise _refused(self._folder, error) from error
        self._is_finished = True
        return tuple(self._chunks)

    def discard(self) -> None:
        """Remove everything written so far, and start anew at page 1."""
        if self._open is not None:
            with suppress(OSError):
                self._open.abandon()
        self._open, self._chunks, self._page_no, self._shapes = None, [], self._pages_before, Shapes()
        with suppress(OSError):
            self._remove_files()

    def _close_chunk(self) -> Chunk | None:
        if self._open is None:
            return None
        chunk = self._open.close(self._landing)
        self._chunks.append(chunk)
        self._open = None
        return chunk

    def _tell(self, chunk: Chunk | None) -> None:
        if chunk is not None and self.on_chunk is not None:
            self.on_chunk(chunk)

    def _remove_files(self) -> None:
        for path in self._folder.glob(f"{self._prefix}-*"):
            path.unlink()


class _OpenChunk:
    """A chunk's two files while they are written, under temporary names."""

    def __init__(self, stem: Path) -> None:
        self._records_file = DurableFile(stem.with_name(f"{stem.name}.ndjson.zst"))
        self._pages_file = DurableFile(stem.with_name(f"{stem.name}.pages.ndjson.zst"))
        self.records = 0
        self.rejected = 0
        self.pages = 0
        self.size_bytes = 0

    def add(self, page_no: int, page: Page, hasher: Hasher, shapes: Shapes) -> None:
        text, rejected = record_text(page_no, page, hasher)
        self._records_file.write(text)
        news = shapes.news(page.items, hasher.names) if page.is_own else shapes.passed_over(hasher.names)
        self._pages_file.write(page_line(page_no, page, rejected, news))
        self.records += len(page.items)
        self.rejected += rejected
        self.pages += 1
        self.size_bytes += len(text)

    def close(self, landing: Path) -> Chunk:
        sha256, pages_sha256 = self._records_file.close(), self._pages_file.close()
        return Chunk(
            file=self._records_file.path.relative_to(landing).as_posix(),
            sha256=sha256,
            records=self.records,
            rejected=self.rejected,
            pages_file=self._pages_file.path.relative_to(landing).as_posix(),
            pages_sha256=pages_sha256,
            pages=self.pages,
        )

    def abandon(self) -> None:
        self._records_file.abandon()
        self._pages_file.abandon()


class DurableFile:
    """A compressed file that bears its name only when it is whole; the caller syncs the folder."""

    def __init__(self, path: Path) -> None:
        """Open ``<path>.tmp`` for writing, readable by its owner only."""
        self.path = path
        self._temporary = path.with_name(f"{path.name}.tmp")
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._hash = hashlib.sha256()
        self._compressor = zstandard.ZstdCompressor(
            level=_COMPRESSION_LEVEL, write_checksum=True, threads=_COMPRESSING_THREADS
        ).compressobj()

    def write(self, data: bytes) -> None:
        """Add bytes to the file."""
        self._write(self._compressor.compress(data))

    def close(self) -> str:
        """Make the file durable, give it its name, and return its SHA-256."""
        self._write(self._compressor.flush())
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._temporary.replace(self.path)
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Close and remove the unfinished file."""
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _write(self, compressed: bytes) -> None:
        self._hash.update(compressed)
        self._file.write(compressed)


def make_durable_folder(folder: Path, root: Path) -> None:
    """Make a folder below ``root``, and its parents, so that they outlast a power cut."""
    if folder == root or folder.is_dir():
        return
    make_durable_folder(folder.parent, root)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def _refused(folder: Path, error: OSError) -> StateError:
    return StateError(f"Cannot write landing files in {folder}: {error.strerror}; make room there and run it again.")
