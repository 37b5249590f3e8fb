"""Chunks: what the journal says of a pair of landing files, and the format that these are in.

Belongs here: that value, its format's version, refusing a newer one. Does not belong here: writing and reading the
files (``pipeline.ingest.landing``), which chunks there are (``pipeline.ingest.landed``).

Format 1 has one line per record and one per page. Since format 2 a page's line may say what its records look like
(``pipeline.ingest.shapes``), and in a chunk that was merged from others each line says its turn
(``pipeline.ingest.compacting``). ``parquet`` is a Parquet file as a source gave it: one page, its rows are the records.
Whoever reads a newer format reads all older ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.formats import refuse_newer
from pipeline.ledger.journal import Value

OLDEST_FORMAT: Final = "1"
FORMAT: Final = "2"
PARQUET: Final = "parquet"
_KNOWN_FORMATS: Final = frozenset({OLDEST_FORMAT, FORMAT, PARQUET})


@dataclass(frozen=True, slots=True)
class Chunk:
    """One pair of landing files, relative to the landing folder; ``records`` counts the rejected ones too.

    Of a Parquet file ``file`` is where it was found, ``page`` its page, ``columns`` its columns' types as JSON text;
    there is no pages' file.
    """

    file: str
    sha256: str
    records: int
    rejected: int
    pages_file: str
    pages_sha256: str
    pages: int
    format: str = FORMAT
    page: int = 0
    columns: str = ""

    @property
    def is_parquet(self) -> bool:
        """Say whether the records are the rows of a Parquet file."""
        return self.format == PARQUET

    @property
    def own_files(self) -> tuple[tuple[str, str], ...]:
        """The files that landing wrote, with their checksums."""
        return () if self.is_parquet else ((self.file, self.sha256), (self.pages_file, self.pages_sha256))

    def as_data(self) -> dict[str, Value]:
        """Return the chunk as the journal writes it: texts only."""
        names = self.__slots__ if self.is_parquet else self.__slots__[:-2]
        return {name: str(getattr(self, name)) for name in names}

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
            page=int(data.get("page", 0)),
            columns=str(data.get("columns", "")),
        )
