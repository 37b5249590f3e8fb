"""Chunks: what the journal says of a pair of landing files, and the format that these are in.

Belongs here: that value, its format's version, refusing a newer one. Does not belong here: writing and reading the
files (``pipeline.ingest.landing``), which chunks there are (``pipeline.ingest.landed``).

Format 1 has one line per record and one per page. Since format 2 a page's line may say what its records look like
(``pipeline.ingest.shapes``), and in a chunk that was merged from others each line says its turn
(``pipeline.ingest.compacting``). Whoever reads a newer format reads all older ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.formats import refuse_newer
from pipeline.ledger.journal import Value

OLDEST_FORMAT: Final = "1"
FORMAT: Final = "2"
_KNOWN_FORMATS: Final = frozenset({OLDEST_FORMAT, FORMAT})


@dataclass(frozen=True, slots=True)
class Chunk:
    """One pair of landing files, relative to the landing folder; ``records`` counts the rejected ones too."""

    file: str
    sha256: str
    records: int
    rejected: int
    pages_file: str
    pages_sha256: str
    pages: int
    format: str = FORMAT

    def as_data(self) -> dict[str, Value]:
        """Return the chunk as the journal writes it: texts only."""
        return {name: str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Chunk:
        """Read the chunk from a journal entry.

        Raises:
            StateError: a newer vipgrid wrote it.

        """
        written_as = str(data.get("format", OLDEST_FORMAT))
        refuse_newer(f"The landing file {data['file']}", written_as, _KNOWN_FORMATS)
        return cls(
            file=data["file"],
            sha256=data["sha256"],
            records=int(data["records"]),
            rejected=int(data["rejected"]),
            pages_file=data["pages_file"],
            pages_sha256=data["pages_sha256"],
            pages=int(data["pages"]),
            format=written_as,
        )
