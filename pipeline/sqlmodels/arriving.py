"""What arrived in landing and was not read yet: which chunks, and whether it is so much that a difference does not pay.

Belongs here: these two questions. Does not belong here: computing (``pipeline.sqlmodels.increments``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.reading_ways import PAGES
from pipeline.sqlmodels.relations import Landing
from pipeline.sqlmodels.versions import Record, Versions

MOSTLY_NEW: Final = "full: most of it is new"
BULK_ROWS: Final = 1_000_000


def landed_ahead(model: Model, versions: Versions, landing: Landing | None) -> Sequence[LandedChunk]:
    """Return the landed chunks that refreshing a model of staging will read."""
    if model.floor != "staging" or landing is None:
        return []
    record = versions.records.get(model.name)
    is_known = record is not None and record.text_sha256 == model.text_sha256
    ahead: list[LandedChunk] = []
    for name in model.inputs:
        floor, _, table = name.partition(".")
        if floor == "landing" and table != PAGES:
            consumed = versions.consumed.get(model.name, {}).get(name) if is_known else None
            ahead += landing.chunks[table][landing.read_before(table, consumed) or 0 :]
    return ahead


def is_mostly_new(model: Model, record: Record, versions: Versions, landing: Landing | None) -> bool:
    """Say whether far more arrives than a table has: an import into a home that is in use already.

    On core that is so where it was so of what a table follows: of many rows that are there for long it may have few.
    """
    if model.floor == "staging":
        arrived = sum(landed.chunk.records for landed in landed_ahead(model, versions, landing))
        return arrived > max(record.rows, BULK_ROWS)
    if model.floor != "core":
        return False
    consumed = versions.consumed.get(model.name, {})
    spines = {name: versions.records[name] for name in model.refresh.spine if name in versions.records}
    return any(
        spine.how == MOSTLY_NEW
        and consumed.get(name) != str(spine.version)
        and spine.rows - record.rows > max(record.rows, BULK_ROWS)
        for name, spine in spines.items()
    )
