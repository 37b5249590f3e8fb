"""Time windows: a span asked for piece by piece, each halved until the source gives all of it.

Belongs here: the pieces and their halving. Does not belong here: how an instant is written
(``pipeline.ingest.profile_incremental``), paging inside a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span ``[since, until)``."""

    since: datetime
    until: datetime

    def halves(self, unit: timedelta) -> tuple[Window, Window]:
        """Return the two halves, their border in whole units."""
        middle = self.since + (self.until - self.since) // 2 // unit * unit
        return Window(self.since, middle), Window(middle, self.until)

    def can_be_halved(self, smallest: timedelta) -> bool:
        """Say whether both halves would be as long as allowed."""
        return self.until - self.since >= 2 * smallest


def windows_between(since: datetime, until: datetime, step: timedelta) -> Iterator[Window]:
    """Yield the windows of a span, oldest first; none where there is no span."""
    while since < until:
        end = min(since + step, until)
        yield Window(since, end)
        since = end
