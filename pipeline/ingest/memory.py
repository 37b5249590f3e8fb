"""What is remembered of a stream's snapshots: the list of keys, and the records in landing.

Belongs here: reading and writing that list, finding the last bytes of a key. Does not belong here: what follows from
a key's absence (``pipeline.ingest.absence``).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pipeline.errors import StateError
from pipeline.home import Home
from pipeline.ingest.absence import MARKED_AT, Seen, Snapshot
from pipeline.ingest.feeds import SeenFiles
from pipeline.ingest.landed import Pulled, landed_chunks
from pipeline.ingest.landing import DurableFile, check_file, make_durable_folder, read_lines
from pipeline.ingest.paths import JsonPath
from pipeline.ledger.journal import Journal, sync_folder
from pipeline.ledger.turns import Turn
from pipeline.streams import STREAMS


@dataclass(frozen=True, slots=True)
class Memory:
    """One stream's memory at one turn; ``paths`` = what of a record its key is made of."""

    home: Home
    journal: Journal
    lock: threading.Lock
    turn: Turn
    stream: str
    last: Pulled | None
    paths: Sequence[JsonPath]

    def read(self) -> dict[str, Seen]:
        """Return the keys of the last snapshot.

        Raises:
            StateError: the list is missing or torn.

        """
        seen = self.last.seen_files if self.last else None
        if seen is None:
            return {}
        path = self.home.landing / seen.file
        check_file(path, seen.sha256)
        return {line["key"]: msgspec.convert(line, Seen) for line in read_lines(path)}

    def find(self, keys: frozenset[str]) -> Mapping[str, bytes]:
        """Return the last bytes that landed of each key."""
        found: dict[str, bytes] = {}
        if not keys:
            return found
        probe = Snapshot(self.paths, {}, self.turn.now, 1)
        with self.lock:
            chunks = landed_chunks(self.journal)
        own = (chunk for chunk in chunks if chunk.stream == self.stream and not chunk.chunk.is_parquet)
        for file in dict.fromkeys(chunk.file for chunk in own):
            records = (msgspec.json.encode(line["r"]) for line in read_lines(self.home.landing / file) if "r" in line)
            unmarked = (record for record in records if MARKED_AT.encode() not in record)
            found.update((key, item) for key, item in probe.keys_of(unmarked) if key in keys)
        return found

    def write(self, kept: Sequence[Seen]) -> SeenFiles:
        """Keep the list for the next snapshot.

        Raises:
            StateError: the disk refused.

        """
        folder = self.home.landing / STREAMS[self.stream].system.value / self.stream
        try:
            make_durable_folder(folder, self.home.landing)
            file = DurableFile(folder / f"{self.turn.number:06d}.keys.ndjson.zst")
            for seen in kept:
                file.write(msgspec.json.encode(seen) + b"\n")
            sha256 = file.close()
            sync_folder(folder)
        except OSError as error:
            message = f"Cannot write the list of keys in {folder}: {error.strerror}; make room there."
            raise StateError(message) from error
        return SeenFiles(file.path.relative_to(self.home.landing).as_posix(), sha256, len(kept))
