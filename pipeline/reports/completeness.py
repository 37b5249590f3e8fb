"""Whether a report is COMPLETE or PARTIAL, and why.

Belongs here: the verdict over feeds, pages and quarantine (docs/domain.md, 2 and K14). Does not belong
here: how these are counted (``sql/ops``, ``sql/marts/reconciliation.sql``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from pipeline.instants import format_instant
from pipeline.reports.period import Period
from pipeline.sqlmodels.relations import Connection

_REASONS_NAMED: Final = 5


class Completeness(StrEnum):
    """Whether everything that the report needs had arrived whole."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True, slots=True)
class StreamReach:
    """How far a stream was known whole."""

    stream: str
    system: str
    watermark: datetime | None
    is_late: bool

    def as_data(self) -> dict[str, object]:
        """Return it for the manifest."""
        reach = None if self.watermark is None else format_instant(self.watermark)
        return {"stream": self.stream, "system": self.system, "watermark": reach, "is_late": self.is_late}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict, its reasons as sentences, and the streams' reach."""

    completeness: Completeness
    reasons: tuple[str, ...]
    streams: tuple[StreamReach, ...]
    quarantined: tuple[tuple[str, str, int], ...]


def judge(connection: Connection, period: Period, tables: frozenset[str]) -> Verdict:
    """Judge the tables at hand, which answer the period's question."""
    streams = tuple(
        StreamReach(stream, system, watermark, is_late)
        for stream, system, watermark, is_late in connection.sql(
            "select stream, system, watermark,"
            " watermark is null or watermark + to_seconds(tolerance_seconds) < $as_of from ops.streams"
            " order by system, stream",
            params={"as_of": period.question.as_of},
        ).fetchall()
    )
    quarantined = _quarantined(connection) if "ops.quarantine" in tables else ()
    reasons = [*_late_feeds(connection, streams)]
    if "marts.reconciliation" in tables:
        reasons += _incomplete_days(connection, period.question.as_of)
    total = sum(count for _, _, count in quarantined)
    if total:
        reasons.append(
            f"{total} {_plural(total, 'record')} could not be read and {_plural(total, 'waits', 'wait')} in quarantine"
        )
    completeness = Completeness.PARTIAL if reasons else Completeness.COMPLETE
    return Verdict(completeness, tuple(reasons), streams, quarantined)


def _late_feeds(connection: Connection, streams: tuple[StreamReach, ...]) -> list[str]:
    """Name the feeds that some claim needs, and that were not known whole up to the instant."""
    claims: list[tuple[Any, ...]] = connection.sql(
        "select claim, late_streams from ops.data_late where is_late order by claim"
    ).fetchall()
    reach = {stream.stream: stream.watermark for stream in streams}
    needed = sorted({name for _, late in claims for name in late or ()})
    return [
        f"{name} was known whole up to {format_instant(watermark)[:16]}Z only"
        if (watermark := reach.get(name)) is not None
        else f"{name} was never known whole"
        for name in needed
    ]


def _incomplete_days(connection: Connection, as_of: datetime) -> list[str]:
    rows: list[tuple[date, str]] = connection.sql(
        "select day, stream from marts.reconciliation where not is_balanced and day <= cast($as_of as date)"
        " order by day, stream",
        params={"as_of": as_of},
    ).fetchall()
    named = [f"not every record of {stream} that arrived on {day} is accounted for" for day, stream in rows]
    more = len(named) - _REASONS_NAMED
    return named if more <= 0 else [*named[:_REASONS_NAMED], f"nor on {more} more days"]


def _quarantined(connection: Connection) -> tuple[tuple[str, str, int], ...]:
    rows = connection.sql(
        "select stream, rejected_because, count(*) from ops.quarantine group by all order by all"
    ).fetchall()
    return tuple((str(stream), str(reason), int(count)) for stream, reason, count in rows)


def _plural(count: int, one: str, many: str | None = None) -> str:
    return one if count == 1 else many or f"{one}s"
