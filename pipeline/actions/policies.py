"""The policies of a turn: when a partner may be written to, how often, what is collected, what a person sees first.

Belongs here: the rules of the section ``notices`` of the configuration, as functions of what was sent before.
Does not belong here: their order over a turn's candidates (``pipeline.actions.choosing``).

Nothing here reads a clock: ``now`` is the turn's. A day and a week are those of the partner's zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from pipeline.actions.outbox import Action, State
from pipeline.business_calendar import working_stretches
from pipeline.instants import parse_instant
from pipeline.notice_settings import ApprovalRule, Digest, Notices, SendWindow
from pipeline.notices.spoken import zone_of

_LONGEST_CLOSED: Final = timedelta(days=40)
_REMEMBERED: Final = timedelta(days=8)
_DAY: Final = timedelta(days=1)
DIGEST: Final = "digest"


@dataclass(frozen=True, slots=True)
class _PartnersCalendar:
    """A send window in one partner's zone."""

    zone: str
    country: str | None
    subdivision: str | None
    days: Sequence[str]
    opens: timedelta
    closes: timedelta


@dataclass(slots=True)
class Windows:
    """The send window in each zone, at one instant."""

    window: SendWindow | None
    now: datetime
    _known: dict[str, datetime | None] = field(default_factory=dict)

    def closed_until(self, zone: str) -> datetime | None:
        """Return when the window opens in a zone; None where it is open."""
        if self.window is None:
            return None
        if zone not in self._known:
            self._known[zone] = _closed_until(self.window, zone, self.now)
        return self._known[zone]


def _closed_until(window: SendWindow, zone: str, now: datetime) -> datetime | None:
    calendar = _PartnersCalendar(
        zone_of(zone)[0], window.country, window.subdivision, window.days, window.opens, window.closes
    )
    today = now.astimezone(zone_of(zone)[1]).date()
    for opens, closes in working_stretches(calendar, today - _DAY, today + _LONGEST_CLOSED):
        if opens <= now < closes:
            return None
        if opens > now:
            return opens
    return now + _LONGEST_CLOSED


@dataclass(slots=True)
class Sent:
    """What one partner was sent, or is to be sent, in the day and week of its zone."""

    today: int = 0
    this_week: int = 0
    single_in_period: int = 0
    digests_in_period: int = 0


class History:
    """What every partner was sent lately, out of the outbox; the turn's own choices are added as they are made."""

    def __init__(self, actions: Iterable[Action], notices: Notices, now: datetime) -> None:
        """Look at the notices that were decided within the last days and were not suppressed."""
        self._notices = notices
        self._now = now
        self._days: dict[str, date] = {}
        self._lately: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self._sent: dict[str, Sent] = {}
        if not self._is_asked:
            return
        oldest = now - _REMEMBERED
        for action in actions:
            decided_at = action.data.get("decided_at")
            if decided_at is None or action.state is State.SUPPRESSED or action.state is State.DEAD:
                continue
            instant = parse_instant(decided_at)
            if instant >= oldest:
                self._lately[str(action.data["partner_id"])].append((instant, str(action.data["kind"])))

    @property
    def _is_asked(self) -> bool:
        caps = self._notices.caps
        return self._notices.digest.every != "off" or caps.per_day is not None or caps.per_week is not None

    def of(self, partner_id: str, zone: str) -> Sent:
        """Return what a partner was sent."""
        sent = self._sent.get(partner_id)
        if sent is None:
            sent = self._sent[partner_id] = Sent()
            for instant, kind in self._lately.get(partner_id, ()):
                self._count(sent, instant.astimezone(zone_of(zone)[1]).date(), kind, self._today(zone))
        return sent

    def add(self, partner_id: str, zone: str, kind: str) -> None:
        """Count a notice of this turn."""
        if self._is_asked:
            today = self._today(zone)
            self._count(self.of(partner_id, zone), today, kind, today)

    def next_period(self, zone: str) -> datetime:
        """Return when the next day, or week, of the digests begins in a zone."""
        today = self._today(zone)
        days = 1 if self._notices.digest.every == "daily" else 7 - today.weekday()
        local = datetime.combine(today + timedelta(days=days), datetime.min.time(), zone_of(zone)[1])
        return local.astimezone(UTC)

    def has_room(self, sent: Sent) -> bool:
        """Say whether the caps let a partner be sent one more."""
        caps = self._notices.caps
        return not (
            (caps.per_day is not None and sent.today >= caps.per_day)
            or (caps.per_week is not None and sent.this_week >= caps.per_week)
        )

    def _count(self, sent: Sent, day: date, kind: str, today: date) -> None:
        is_this_week = day.isocalendar()[:2] == today.isocalendar()[:2]
        sent.today += day == today
        sent.this_week += is_this_week
        if day == today if self._notices.digest.every == "daily" else is_this_week:
            sent.digests_in_period += kind == DIGEST
            sent.single_in_period += kind in self._notices.digest.kinds

    def _today(self, zone: str) -> date:
        if zone not in self._days:
            self._days[zone] = self._now.astimezone(zone_of(zone)[1]).date()
        return self._days[zone]


def way_of(digest: Digest, waiting: int, sent: Sent) -> Literal["single", "digest", "later"]:
    """Say how so many notices that may be collected go to a partner.

    In one period a partner is sent one digest, and fewer single ones than make a digest; the rest is for the next.
    """
    if digest.every == "off":
        return "single"
    if sent.digests_in_period > 0:
        return "later"
    if waiting >= digest.at_least:
        return "digest"
    return "single" if waiting + sent.single_in_period < digest.at_least else "later"


def always_needs_approval(rules: Sequence[ApprovalRule], kind: str, classification: str) -> bool:
    """Say whether a person sees notices of this kind and classification before they go out."""
    return any(
        (not rule.kinds or kind in rule.kinds) and (not rule.classifications or classification in rule.classifications)
        for rule in rules
    )
