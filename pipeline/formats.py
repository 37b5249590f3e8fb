"""Formats: what we have written to disk once and have to read for ever.

Belongs here: refusing what a newer vipgrid wrote, in one sentence. Does not belong here: the numbers (each beside the
format that it counts: ``pipeline.ledger.journal``, ``pipeline.ingest.chunks``, ``pipeline.backup``).
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.errors import StateError
from pipeline.version import VERSION


def refuse_newer(what: str, written_as: str, known: Collection[str]) -> None:
    """Go on where a format is among those that this vipgrid reads.

    Raises:
        StateError: a newer vipgrid wrote it.

    """
    if written_as not in known:
        newest = max(filter(str.isdecimal, known), key=int)
        message = (
            f"{what} has format {written_as}, and this vipgrid ({VERSION}) reads formats up to {newest}: "
            "install the vipgrid that wrote it, or a newer one."
        )
        raise StateError(message)
