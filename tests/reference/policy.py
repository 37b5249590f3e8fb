"""What a business decides about time, as the reference takes it (docs/domain.md 7 and 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ANNOUNCEMENTS = frozenset({"publish", "version_change"})
REMOVALS = frozenset({"withdrawal", "expiry"})
OBLIGATING = ANNOUNCEMENTS | REMOVALS
"""The kinds of notices that ask for an answer."""

Days = Mapping[str, timedelta]


def _days(standard: int, regulated: int, safety: int) -> Days:
    return {
        "standard": timedelta(days=standard),
        "regulated": timedelta(days=regulated),
        "safety": timedelta(days=safety),
    }


def _default_time_to_respond() -> Mapping[str, Days]:
    return {
        "version_change": _days(7, 2, 1),
        "publish": _days(7, 2, 1),
        "withdrawal": _days(2, 1, 1),
        "expiry": _days(2, 1, 1),
    }


@dataclass(frozen=True)
class Policy:
    """The configuration; `notify_from` None: announced from the beginning of time."""

    time_to_respond: Mapping[str, Days] = field(default_factory=_default_time_to_respond)
    announce_before: timedelta = timedelta(0)
    notify_from: datetime | None = None

    def response_time(self, kind: str, classification: str | None) -> timedelta:
        """Return how long a partner has; a classification nobody configured counts as standard."""
        days = self.time_to_respond[kind]
        return days.get(str(classification), days["standard"])

    def announces(self, due_at: datetime) -> bool:
        """Whether what was due then is announced at all."""
        return self.notify_from is None or due_at >= self.notify_from
