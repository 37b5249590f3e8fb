"""Notices: how many, how many were kept back and why, whether anything followed (docs/domain.md 10; 11, K12).

Here belong: notices that were sent, candidates that were not. Not here: whether they were owed (announcements.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.reference.acknowledgment_classes import counts_as_of
from tests.reference.holdings import Acknowledgment, acknowledgments, copies, speaks_for
from tests.reference.identities import canonical_asset
from tests.reference.policy import REMOVALS
from tests.reference.records import Knowledge, integer, required_instant, text
from tests.reference_figures.things import Thing, Things

IN_TIME = timedelta(hours=72)
REASONS = (
    *("duplicate", "snoozed", "superseded_by_newer", "data_late", "no_contact", "cap", "not_entitled", "barred"),
    *("partner_left", "other"),
)
NO_PERSON = frozenset({"auto", "proxy"})


@dataclass(frozen=True)
class Sent:
    """One notice that a partner was sent."""

    partner_id: str
    asset_id: str | None
    version_no: int | None
    kind: str
    sent_at: datetime
    is_ours: bool


@dataclass(frozen=True)
class Suppressed:
    """One candidate that was decided against."""

    partner_id: str
    asset_id: str | None
    decided_at: datetime
    reason: str


def posted(known: Knowledge, ours: Iterable[str] = ()) -> Iterator[Sent]:
    """Yield the notices that Trading Grid has; ours are those under one of our keys."""
    keys = frozenset(ours)
    for notice in known.current("notices"):
        posted_at, named = required_instant(notice, "posted_at"), text(notice, "asset_id")
        yield Sent(
            str(notice["partner_id"]),
            None if named is None else canonical_asset(known, named, posted_at),
            integer(notice, "version_no"),
            str(notice["kind"]),
            posted_at,
            is_ours=text(notice, "external_key") in keys,
        )


def quality(known: Knowledge, as_of: datetime, sent: Iterable[Sent], suppressed: Iterable[Suppressed]) -> Things:
    """K12: sent, suppressed by reason out of ours, acted on within 72 hours."""
    notices = [notice for notice in sent if notice.sent_at <= as_of]
    candidates = [candidate for candidate in suppressed if candidate.decided_at <= as_of]
    found: Things = {
        ("K12", "notices_sent"): [
            Thing(notice.partner_id, notice.asset_id, notice.sent_at, numerator=True) for notice in notices
        ],
        ("K12", "acted_on_within_72_hours"): [
            _acted_on(known, notice, as_of) for notice in notices if notice.asset_id is not None
        ],
    }
    of_ours = [
        Thing(notice.partner_id, notice.asset_id, notice.sent_at, denominator=True)
        for notice in notices
        if notice.is_ours
    ]
    for name in ("", *REASONS):
        found["K12", f"suppressed_{name}" if name else "suppressed"] = [
            *of_ours,
            *(
                Thing(
                    candidate.partner_id,
                    candidate.asset_id,
                    candidate.decided_at,
                    numerator=not name or _reason(candidate) == name,
                    denominator=True,
                )
                for candidate in candidates
            ),
        ]
    return found


def _reason(candidate: Suppressed) -> str:
    return candidate.reason if candidate.reason in REASONS else "other"


def _acted_on(known: Knowledge, notice: Sent, as_of: datetime) -> Thing:
    """Whether it obtained the version (not towards a removal) or answered in person; open while there is time."""
    is_over, until = notice.sent_at + IN_TIME <= as_of, min(notice.sent_at + IN_TIME, as_of)
    has_fetched = notice.kind not in REMOVALS and any(
        (copy.partner_id, copy.asset_id) == (notice.partner_id, notice.asset_id)
        and copy.version_no is not None
        and copy.version_no == notice.version_no
        and notice.sent_at <= copy.obtained_at <= until
        for copy in copies(known)
    )
    has_answered = any(
        ack.asset_id == notice.asset_id
        and ack.kind not in NO_PERSON
        and notice.sent_at <= ack.occurred_at <= until
        and ack.counts(as_of)
        and speaks_for(known, ack, notice.partner_id)
        and _is_about(known, ack, notice)
        for ack in acknowledgments(known)
    )
    return Thing(
        notice.partner_id,
        notice.asset_id,
        notice.sent_at,
        numerator=is_over and (has_fetched or has_answered),
        denominator=is_over,
        censored=not is_over,
    )


def _is_about(known: Knowledge, ack: Acknowledgment, notice: Sent) -> bool:
    """Whether it names no version, that version (checksum rule included), or answers a removal."""
    if ack.version_no is None or notice.kind in REMOVALS:
        return True
    return notice.version_no is not None and counts_as_of(known, ack, notice.version_no)
