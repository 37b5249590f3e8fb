"""Runs: one process at work, its one start and its one end.

Belongs here: the kinds of entries, and the fold that finds runs without an end. Does not belong here:
turns (``pipeline.ledger.turns``).
"""

from __future__ import annotations

from typing import Final

from pipeline.ledger.journal import Journal

RUN_STARTED: Final = "run_started"
RUN_ENDED: Final = "run_ended"


def unended_runs(journal: Journal) -> tuple[str, ...]:
    """Return the runs that began and never ended, in order; whoever holds the lock knows that they are gone."""
    unended: dict[str, None] = {}
    for entry in journal.entries(frozenset({RUN_STARTED, RUN_ENDED})):
        if entry.kind == RUN_STARTED:
            unended[str(entry.source_id)] = None
        else:
            unended.pop(str(entry.source_id), None)
    return tuple(unended)
