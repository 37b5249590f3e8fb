"""What had arrived, and what is asked of it (docs/domain.md 2).

Here belongs: the question. Not here: answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.reference.policy import Policy
from tests.reference.records import Arrival, Knowledge
from tests.reference_figures.working_time import Calendar


@dataclass(frozen=True)
class World:
    """Everything that arrived by `now`, asked as of an instant."""

    arrivals: Sequence[Arrival]
    as_of: datetime
    now: datetime
    policy: Policy
    calendar: Calendar = field(default_factory=Calendar)

    @property
    def known(self) -> Knowledge:
        """Everything."""
        return Knowledge(self.arrivals)

    @property
    def is_late(self) -> bool:
        """Whether negative claims are made past what the feeds are known up to: the folders are complete now."""
        return self.as_of > self.now + timedelta(minutes=15)
