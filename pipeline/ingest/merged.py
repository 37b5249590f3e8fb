"""Merged chunks: what the journal says of small landing files that now stand in one large one.

Belongs here: the entry, and the fold that says where a chunk is now. Does not belong here: merging
(``pipeline.ingest.compacting``).

A merged file has the lines of the files that it replaces, in their order, byte for byte but for the turn, which each
line now says itself: ``{"t":12,"p":1,…``. So it is read once for all its turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ingest.chunks import Chunk
from pipeline.ledger.journal import Journal, Value

STREAM_COMPACTED: Final = "stream_compacted"


@dataclass(frozen=True, slots=True)
class Replaced:
    """One pair of files that went into a merged one; the hashes are of their unpacked lines as they were."""

    file: str
    pages_file: str
    content_sha256: str
    pages_content_sha256: str

    def as_data(self) -> dict[str, Value]:
        """Return it as the journal writes it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Merged:
    """One merged chunk, and what it stands for."""

    chunk: Chunk
    replaced: Sequence[Replaced]

    def as_data(self) -> dict[str, Value]:
        """Return it as the journal writes it."""
        return {"chunk": self.chunk.as_data(), "replaces": [one.as_data() for one in self.replaced]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Merged:
        """Read it from a journal entry.

        Raises:
            StateError: a newer vipgrid wrote it.

        """
        return cls(Chunk.from_data(data["chunk"]), [Replaced(**one) for one in data["replaces"]])


def merged_chunks(journal: Journal) -> list[Merged]:
    """Return every merging, in the journal's order."""
    return [Merged.from_data(entry.data) for entry in journal.entries(frozenset({STREAM_COMPACTED}))]


class Whereabouts:
    """Where the chunks are now."""

    def __init__(self, merged: Sequence[Merged]) -> None:
        """Read the mergings, the first first."""
        self._now_in = {one.file: merging.chunk for merging in merged for one in merging.replaced}
        self.is_merged = frozenset(merging.chunk.file for merging in merged)

    def of(self, chunk: Chunk) -> Chunk:
        """Return the chunk that has a chunk's lines now: itself, or the one that it was merged into last."""
        while (now := self._now_in.get(chunk.file)) is not None:
            chunk = now
        return chunk

    def has_gone(self, file: str) -> bool:
        """Say whether a records' file was replaced."""
        return file in self._now_in
