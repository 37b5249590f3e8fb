"""The outbox with its journal: what is written is durable first, and counts then.

Belongs here: keeping the two in step. Does not belong here: what is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pipeline.actions.outbox import KINDS, Outbox, read_outbox
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Entry, Journal

_ENTRIES_PER_WRITE: Final = 10_000


class Book:
    """An outbox that is written through its journal; one writer at a time."""

    def __init__(self, journal: Journal) -> None:
        """Read the outbox from the journal."""
        self._journal = journal
        self.outbox: Outbox = read_outbox(journal)
        self._next_seq = 1 + max((action.seq for action in self.outbox.actions.values()), default=-1)
        self._stamped: datetime | None = None
        self._stamp_text = ""

    def write(self, drafts: Sequence[Draft]) -> None:
        """Append the entries, durably, then take them into account.

        Raises:
            OSError: the disk refused; what was not appended does not count.

        """
        for start in range(0, len(drafts), _ENTRIES_PER_WRITE):
            part = drafts[start : start + _ENTRIES_PER_WRITE]
            self._journal.append(part)
            # The true seq is not known here; what is written later comes later, and that is all that the fold asks.
            for seq, draft in enumerate((draft for draft in part if draft.kind in KINDS), start=self._next_seq):
                self.outbox.apply(_entry(draft, seq, self._stamp(draft.known_at)))
            self._next_seq += len(part)

    def _stamp(self, known_at: datetime) -> str:
        # Most of what is written shares the turn's clock.
        if known_at is not self._stamped:
            self._stamped, self._stamp_text = known_at, format_instant(known_at)
        return self._stamp_text


def _entry(draft: Draft, seq: int, known_at: str) -> Entry:
    return Entry(
        seq=seq,
        kind=draft.kind,
        known_at=known_at,
        actor=draft.actor,
        run_id=draft.run_id,
        source_id=draft.source_id,
        reason=draft.reason,
        data=draft.data,
    )
