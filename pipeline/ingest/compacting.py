"""Compacting: many small landing files of a stream become few large ones, and no byte of a record is lost.

Belongs here: which files are merged, writing and proving the merged one, removing what it replaces. Does not belong
here: when that is done, and what readers have to be told before (``resources.workspace``).

The order is what makes it safe: the merged file is durable and was read back before the journal names it, and what it
replaces is removed only after that entry is durable. A kill leaves the old files named, or the new one; what nobody
names any more is removed by the next call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from pipeline.errors import StateError
from pipeline.home import Home
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landed import LandedChunk, landed_chunks, superseded_lists
from pipeline.ingest.landing import DurableFile, check_chunk, raw_lines
from pipeline.ingest.merged import STREAM_COMPACTED, Merged, Replaced, merged_chunks
from pipeline.ledger.journal import Journal, sync_folder
from pipeline.ledger.turns import Turn, read_turns

SMALL_BYTES: Final = 16 * 2**20
LARGE_BYTES: Final = 256 * 2**20
FEWEST_MERGED: Final = 8
MOST_MERGED: Final = 100
_TURN: Final = b'{"t":'


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a merging did: pairs of files before and after, and the bytes of them."""

    stream: str
    before: int
    after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class _Source:
    """One pair of files that is there now, with the turns that stand in it."""

    chunk: Chunk
    turns: tuple[int, ...]
    alike: str
    size_bytes: int
    is_merged: bool


def compact(home: Home, journal: Journal, turn: Turn) -> list[Compacted]:
    """Merge what is small, and journal each merging; the replaced files stay until ``remove_replaced``.

    Files of turns that are not complete are left alone.

    Raises:
        StateError: a file is not what the journal says, or the disk refused; nothing is lost.

    """
    done = []
    by_stream: dict[str, list[LandedChunk]] = {}
    for landed in landed_chunks(journal):
        by_stream.setdefault(landed.stream, []).append(landed)
    complete = read_turns(journal).last_complete
    last_turn = complete.number if complete else 0
    for stream, own in by_stream.items():
        for group in _groups(_sources(home, own, last_turn)):
            folder = home.landing / own[0].system / stream
            try:
                merged = _merge(home.landing, folder, group)
            except OSError as error:
                message = f"Cannot merge landing files in {folder}: {error.strerror}; make room there and run it again."
                raise StateError(message) from error
            journal.append([turn.draft(STREAM_COMPACTED, merged.as_data(), source=own[0].system, source_id=stream)])
            before = sum(source.size_bytes for source in group)
            done.append(Compacted(stream, len(group), 1, before, _size(home.landing, merged.chunk)))
    return done


def remove_replaced(home: Home, journal: Journal) -> int:
    """Remove the files that stand in merged ones, lists that later ones replaced, and what killed mergings left.

    Returns how many.

    The caller knows that no reader has their names any more.

    Raises:
        StateError: a merged file is not what the journal says: then nothing of it is removed.

    """
    removed = 0
    chunks = landed_chunks(journal)
    current = {name for landed in chunks for name, _ in landed.chunk.own_files}
    for merging in merged_chunks(journal):
        gone = [
            path
            for one in merging.replaced
            for path in (home.landing / one.file, home.landing / one.pages_file)
            if path.exists()
        ]
        if gone and merging.chunk.file in current:
            check_chunk(home.landing, merging.chunk)
        for path in gone:
            path.unlink()
            removed += 1
    for path in (home.landing / name for name in superseded_lists(journal)):
        if path.exists():
            path.unlink()
            removed += 1
    for path in chain.from_iterable(home.landing.glob(f"*/*/*to*.{kind}") for kind in ("zst", "zst.tmp")):
        if path.relative_to(home.landing).as_posix() not in current:
            with suppress(OSError):
                path.unlink()
                removed += 1
    return removed


def _sources(home: Home, own: Sequence[LandedChunk], last_turn: int) -> list[_Source]:
    """Return the pairs of files of a stream as they are, in the order of what is in them."""
    found: dict[str, list[LandedChunk]] = {}
    for landed in own:
        if landed.turn <= last_turn and not landed.chunk.is_parquet:
            found.setdefault(landed.file, []).append(landed)
    return [
        _Source(
            chunk=chunks[0].chunk,
            turns=tuple(dict.fromkeys(landed.turn for landed in chunks)),
            alike=chunks[0].reading,
            size_bytes=_size(home.landing, chunks[0].chunk),
            is_merged=chunks[0].is_merged,
        )
        for chunks in found.values()
    ]


def _groups(sources: Sequence[_Source]) -> Iterator[list[_Source]]:
    """Yield runs of small files that are read alike; a turn's files are never parted."""
    group: list[_Source] = []
    for pull in _pulls(sources):
        size = sum(source.size_bytes for source in pull)
        is_fit = all(source.size_bytes < SMALL_BYTES and source.alike == pull[0].alike for source in pull)
        is_like = not group or pull[0].alike == group[-1].alike
        is_room = len(group) + len(pull) <= MOST_MERGED and sum(s.size_bytes for s in group) + size <= LARGE_BYTES
        if not (is_fit and is_like and is_room):
            if len(group) >= FEWEST_MERGED:
                yield group
            group = []
        if is_fit:
            group = [*group, *pull]
    if len(group) >= FEWEST_MERGED:
        yield group


def _pulls(sources: Sequence[_Source]) -> list[list[_Source]]:
    """Put the files of one turn together."""
    pulls: list[list[_Source]] = []
    for source in sources:
        if pulls and pulls[-1][-1].turns[-1] == source.turns[0]:
            pulls[-1].append(source)
        else:
            pulls.append([source])
    return pulls


def _merge(landing: Path, folder: Path, group: Sequence[_Source]) -> Merged:
    """Write one pair of files with all the lines of a group, and hold what was written against what it replaces."""
    for source in group:
        check_chunk(landing, source.chunk)
    name = f"{group[0].turns[0]:06d}to{group[-1].turns[-1]:06d}"
    records_file = DurableFile(folder / f"{name}.ndjson.zst")
    contents = _written(records_file, [(landing / source.chunk.file, source) for source in group])
    pages_file = DurableFile(folder / f"{name}.pages.ndjson.zst")
    page_contents = _written(pages_file, [(landing / source.chunk.pages_file, source) for source in group])
    chunk = Chunk(
        file=records_file.path.relative_to(landing).as_posix(),
        sha256=records_file.close(),
        records=sum(source.chunk.records for source in group),
        rejected=sum(source.chunk.rejected for source in group),
        pages_file=pages_file.path.relative_to(landing).as_posix(),
        pages_sha256=pages_file.close(),
        pages=sum(source.chunk.pages for source in group),
    )
    sync_folder(folder)
    _prove(records_file.path, group, contents)
    _prove(pages_file.path, group, page_contents)
    replaced = [
        Replaced(source.chunk.file, source.chunk.pages_file, content[0], page_content[0])
        for source, content, page_content in zip(group, contents, page_contents, strict=True)
    ]
    return Merged(chunk, replaced)


def _written(file: DurableFile, sources: Sequence[tuple[Path, _Source]]) -> list[tuple[str, int]]:
    """Write the lines of several files; return of each the hash of its lines as they are, and how many."""
    contents = []
    try:
        for path, source in sources:
            content, count = hashlib.sha256(), 0
            beginning = b"" if source.is_merged else b"%b%d," % (_TURN, source.turns[0])
            for lines in raw_lines(path):
                content.update(b"".join(lines))
                count += len(lines)
                file.write(b"".join(beginning + line[1:] for line in lines) if beginning else b"".join(lines))
            contents.append((content.hexdigest(), count))
    except BaseException:
        file.abandon()
        raise
    return contents


def _prove(path: Path, group: Sequence[_Source], contents: Sequence[tuple[str, int]]) -> None:
    """Read a merged file back and take it apart again.

    Raises:
        StateError: what comes out is not what went in.

    """
    lines = (line for some in raw_lines(path) for line in some)
    for source, (expected, count) in zip(group, contents, strict=True):
        content = hashlib.sha256()
        beginning = b"%b%d," % (_TURN, source.turns[0])
        for _ in range(count):
            line = next(lines, b"")
            content.update(line if source.is_merged else b"{" + line.removeprefix(beginning))
        if content.hexdigest() != expected:
            message = f"The merged landing file {path} is not what went into it: nothing was replaced; run it again."
            raise StateError(message)
    if next(lines, None) is not None:
        message = f"The merged landing file {path} has more lines than went into it: nothing was replaced."
        raise StateError(message)


def _size(landing: Path, chunk: Chunk) -> int:
    return sum((landing / name).stat().st_size for name in (chunk.file, chunk.pages_file))
