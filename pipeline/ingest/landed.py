"""What the journal says was landed.

Belongs here: the folds over ``stream_pulled``, ``file_imported`` and ``mapping_corrected`` entries. Does not belong
here: writing them (``pipeline.ingest.pull``, ``importing``, ``remapping``), reading the chunks' records (SQL).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pipeline.ingest.chunks import Chunk
from pipeline.ingest.feeds import Part, SeenFiles
from pipeline.ingest.merged import Whereabouts, merged_chunks
from pipeline.ledger.journal import Entry, Journal
from pipeline.streams import STREAMS

STREAM_PULLED: Final = "stream_pulled"
STREAM_FAILED: Final = "stream_failed"
STREAM_RECONCILED: Final = "stream_reconciled"
FILE_IMPORTED: Final = "file_imported"
MAPPING_CORRECTED: Final = "mapping_corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedChunk:
    """One chunk with what is needed to read it; ``chunk``'s paths are below the landing folder.

    ``mapping``: canonical field to its path (a list) or its rule (an object) in the record, where they
    differ; ``parts``: pages that are read otherwise; ``known_fields``: a record with another field
    at its top is rejected. ``known_at`` is the ledger's text. ``is_snapshot``: the pull that it belongs
    to had every record of its source. ``is_merged``: the files have other turns' lines, too, and each line says its
    turn; several chunks are then in the same files. ``connection`` is empty where it was imported.
    """

    chunk: Chunk
    system: str
    stream: str
    turn: int
    known_at: str
    seq: int
    is_snapshot: bool
    mapping: Mapping[str, Any]
    parts: Sequence[Part] = ()
    known_fields: Sequence[str] | None = None
    is_merged: bool = False
    connection: str = ""

    @property
    def reading(self) -> str:
        """How its records are read, as text, but for those of its ``parts``."""
        return json.dumps([self.mapping, self.known_fields], sort_keys=True)

    @property
    def file(self) -> str:
        """The records' file."""
        return self.chunk.file

    @property
    def pages_file(self) -> str:
        """The pages' file."""
        return self.chunk.pages_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """The last pull of a stream: where the next one starts."""

    stream: str
    turn: int
    records: int
    reached_end: bool
    watermark: str | None
    cursor: str | None
    seen_files: SeenFiles | None


def landed_chunks(journal: Journal) -> list[LandedChunk]:
    """Return every chunk that exists, in the journal's order: where it is now, as many as were ever landed."""
    found: list[LandedChunk] = []
    whereabouts = Whereabouts(merged_chunks(journal))
    for entry in journal.entries(frozenset({STREAM_PULLED, FILE_IMPORTED, MAPPING_CORRECTED})):
        stream = _stream_of(entry)
        if entry.kind == MAPPING_CORRECTED:
            found = [_corrected(landed, entry) for landed in found]
            continue
        parts = [Part(**part) for part in entry.data.get("parts") or ()]
        found += [
            LandedChunk(
                chunk=chunk,
                is_merged=chunk.file in whereabouts.is_merged,
                system=STREAMS[stream].system.value,
                stream=stream,
                turn=int(entry.data["turn"]),
                known_at=entry.known_at,
                seq=entry.seq,
                is_snapshot=entry.data.get("is_snapshot", False),
                mapping=entry.data.get("mapping") or {},
                parts=parts,
                known_fields=entry.data.get("known_fields"),
                connection=entry.data.get("connection", ""),
            )
            for chunk in (whereabouts.of(Chunk.from_data(data)) for data in entry.data["chunks"])
        ]
    return found


def former_fields(chunks: Sequence[LandedChunk], mapping: Mapping[str, Any]) -> dict[str, int]:
    """Return the fields that chunks of a stream make otherwise than a mapping does, each with the last such turn."""
    found: dict[str, int] = {}
    for landed in chunks:
        if landed.mapping == mapping:
            continue
        for name in STREAMS[landed.stream].field_names:
            if landed.mapping.get(name, [name]) != mapping.get(name, [name]):
                found[name] = max(landed.turn, found.get(name, 0))
    return found


def _corrected(landed: LandedChunk, entry: Entry) -> LandedChunk:
    """Return a chunk as a person said that it is to be read; lists of deletions and further ways stay as they were."""
    data = entry.data
    if (landed.stream, landed.connection) != (_stream_of(entry), data["connection"]):
        return landed
    parts = [
        replace(part, mapping=data["marked_mapping"]) if any("mark" in rule for rule in part.mapping.values()) else part
        for part in landed.parts
    ]
    return replace(landed, mapping=data["mapping"], known_fields=data["known_fields"], parts=parts)


def last_pulls(journal: Journal) -> dict[str, Pulled]:
    """Return each stream's last pull."""
    return {_stream_of(entry): _pulled(entry) for entry in journal.entries(frozenset({STREAM_PULLED}))}


def leftovers(landing: Path, journal: Journal) -> list[Path]:
    """Return the stream files that no entry names: what killed pulls of abandoned turns left.

    Originals are not among them: they are named by their own content.
    """
    named = {name for landed in landed_chunks(journal) for name, _ in landed.chunk.own_files}
    named |= {found.file for found in found_files(journal)}
    pulls = map(_pulled, journal.entries(frozenset({STREAM_PULLED})))
    named |= {pulled.seen_files.file for pulled in pulls if pulled.seen_files}
    systems = sorted({stream.system.value for stream in STREAMS.values()})
    files = [path for system in systems for path in sorted((landing / system).glob("*/*")) if path.is_file()]
    return [path for path in files if path.relative_to(landing).as_posix() not in named]


def superseded_lists(journal: Journal) -> list[str]:
    """Return the lists of files or keys that a later pull of their stream replaced by its own: nobody reads them."""
    pulls = [_pulled(entry) for entry in journal.entries(frozenset({STREAM_PULLED}))]
    named = dict.fromkeys(pull.seen_files.file for pull in pulls if pull.seen_files)
    last = {pull.stream: pull.seen_files for pull in pulls}
    current = {seen.file for seen in last.values() if seen}
    return [file for file in named if file not in current]


def found_files(journal: Journal) -> list[SeenFiles]:
    """Return the files of records that second passes over the sources found, in the journal's order."""
    found = (_seen(entry.data["found"]) for entry in journal.entries(frozenset({STREAM_RECONCILED})))
    return [file for file in found if file is not None]


def _stream_of(entry: Entry) -> str:
    return str(entry.source_id)


def _pulled(entry: Entry) -> Pulled:
    data = entry.data
    return Pulled(
        stream=_stream_of(entry),
        turn=int(data["turn"]),
        records=sum(int(chunk["records"]) for chunk in data["chunks"]),
        reached_end=data["reached_end"],
        watermark=data["watermark"],
        cursor=data["cursor"],
        seen_files=_seen(data["seen_files"]),
    )


def _seen(data: Mapping[str, Any] | None) -> SeenFiles | None:
    return None if data is None else SeenFiles(data["file"], data["sha256"], int(data["count"]))
