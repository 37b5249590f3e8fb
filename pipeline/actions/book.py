"""The outbox with its journal: what is written is durable first, and counts then.

Belongs here: keeping the two in step. Does not belong here: what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from pipeline.actions.outbox import KINDS, Outbox, read_outbox, without_texts
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Entry, Journal

_ENTRIES_PER_WRITE: Final = 10_000


class Book:
    """An outbox that is written through its journal; one writer at a time."""

    def __init__(self, journal: Journal, *, forgets_texts: bool = False) -> None:
        """Read the outbox from the journal.

        ``forgets_texts``: of what is written from now on, texts are not remembered, because nobody sends it from here.
        """
        self._journal = journal
        self._forgets_texts = forgets_texts
        self.outbox: Outbox = read_outbox(journal)
        self._next_seq = 1 + max((action.seq for action in self.outbox.actions.values()), default=-1)
        self._stamped: datetime | None = None
        self._stamp_text = ""

    def write(self, drafts: Iterable[Draft]) -> None:
        """Append the entries, durably, then take them into account; each is asked for in turn.

        Raises:
            OSError: the disk refused; what was not appended does not count.

        """
        remaining = iter(drafts)
        entries: list[Entry] = []
        is_over = False
        while not is_over:
            before = self._next_seq
            self._journal.append(self._passed_on(islice(remaining, _ENTRIES_PER_WRITE), entries))
            is_over = self._next_seq - before < _ENTRIES_PER_WRITE
            for entry in entries:
                self.outbox.apply(entry)
            entries.clear()

    def _passed_on(self, drafts: Iterable[Draft], entries: list[Entry]) -> Iterator[Draft]:
        """Yield drafts, and keep of each what counts once it is durable."""
        for draft in drafts:
            if draft.kind in KINDS:
                # The true seq is not known here; what is written later comes later, which is all that the fold asks.
                entries.append(self._entry(draft, self._next_seq))
            self._next_seq += 1
            yield draft

    def _entry(self, draft: Draft, seq: int) -> Entry:
        return Entry(
            seq=seq,
            kind=draft.kind,
            known_at=self._stamp(draft.known_at),
            actor=draft.actor,
            run_id=draft.run_id,
            source_id=draft.source_id,
            reason=draft.reason,
            data=without_texts(draft.data) if self._forgets_texts else draft.data,
        )

    def _stamp(self, known_at: datetime) -> str:
        # Most of what is written shares the turn's clock.
        if known_at is not self._stamped:
            self._stamped, self._stamp_text = known_at, format_instant(known_at)
        return self._stamp_text
