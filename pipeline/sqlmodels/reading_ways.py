"""In which ways landed chunks are read, as text: lines that are read by the same text give the same rows.

Belongs here: the statement that reads a chunk, without its place, its turn, and whether it was merged with others. Does
not belong here: reading (``pipeline.sqlmodels.landed_rows``), what follows from another way (``increments``).

The text is made by the code that reads. So it is another one where that code is, where a macro under it is, and where
the journal names another mapping; the rows of chunks that were read before are then no longer what they would be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.landed_rows import landing_select, pages_select
from pipeline.sqlmodels.macros import macros_under

PAGES: Final = "pages"
_NOWHERE: Final = Path("/")
_SUM_CHARACTERS: Final = 16


def ways_of(name: str, chunks: Sequence[LandedChunk]) -> list[str]:
    """Return for each chunk of a relation of landing the way in which it is read there."""
    texts: dict[str, str] = {}
    ways = []
    for landed in chunks:
        if name == PAGES:
            spelled = str(landed.chunk.is_parquet)
        else:
            parts = [part.mapping for part in landed.parts]
            spelled = json.dumps([landed.reading, parts, landed.chunk.is_parquet, landed.chunk.columns], sort_keys=True)
        if spelled not in texts:
            texts[spelled] = _text(name, landed)
        ways.append(texts[spelled])
    return ways


def sum_of(ways: Iterable[str]) -> str:
    """Return what tells some ways from others, in whatever order and however often each comes."""
    return hashlib.sha256("\n".join(sorted(set(ways))).encode()).hexdigest()[:_SUM_CHARACTERS]


def _text(name: str, landed: LandedChunk) -> str:
    """Return a way's text: how a pull's own files are read, and how merged ones are."""
    chunk = landed.chunk
    bare = Chunk("", "", 0, 0, "", "", 0, format=chunk.format, columns=chunk.columns)
    numbered = [
        replace(part, first_page=str(place), last_page=str(place)) for place, part in enumerate(landed.parts, start=1)
    ]
    own = replace(landed, chunk=bare, turn=0, known_at="", seq=0, is_merged=False, parts=numbered)
    shapes = [own] if chunk.is_parquet else [own, replace(own, is_merged=True)]
    text = "\n".join(
        pages_select(_NOWHERE, [one]) if name == PAGES else landing_select(name, _NOWHERE, [one]) for one in shapes
    )
    return text + macros_under(text)
