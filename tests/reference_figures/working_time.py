"""The working time between two instants, day by day (docs/domain.md 11, K1 and K11).

Here belongs: from Monday to Friday, 09:00 to 17:00 in one zone, no holidays. Not here: whose time is counted.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.reference.versions import resolve_local

FIRST_HOUR, LAST_HOUR = time(9), time(17)
SATURDAY = 5


@dataclass(frozen=True)
class Calendar:
    """When the business works."""

    zone: str = "UTC"

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time in `[start, end)`; nothing where it ends before it begins."""
        day, total = start.astimezone(ZoneInfo(self.zone)).date(), timedelta(0)
        while day <= end.astimezone(ZoneInfo(self.zone)).date():
            if day.weekday() < SATURDAY:
                opens_at, closes_at = (
                    resolve_local(datetime.combine(day, hour), self.zone)[0] for hour in (FIRST_HOUR, LAST_HOUR)
                )
                total += max(min(closes_at, end) - max(opens_at, start), timedelta(0))
            day += timedelta(days=1)
        return total
