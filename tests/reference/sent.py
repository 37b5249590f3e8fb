"""What notices ask of partners: the obligations that were sent (docs/domain.md 7).

Here belong: the rows of `notices` by key, which of them count, when they are due.
Not here: who answered (acknowledgment_classes.py), what should have been sent (announcements.py).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from tests.reference.identities import canonical_asset
from tests.reference.policy import OBLIGATING, REMOVALS, Policy
from tests.reference.records import Knowledge, Record, has_passed, instant, integer, required_instant, text

ObligationKey: TypeAlias = tuple[str, str, int, str]
"""(partner_id, asset_id, version_no, kind)."""


@dataclass(frozen=True)
class SentObligation:
    """One obligation with the notices that send it; `retracted_at` only where all of them are."""

    partner_id: str
    asset_id: str
    version_no: int
    kind: str
    sent_at: datetime
    due_at: datetime
    retracted_at: datetime | None

    @property
    def key(self) -> ObligationKey:
        """What makes it one obligation."""
        return self.partner_id, self.asset_id, self.version_no, self.kind

    @property
    def is_removal(self) -> bool:
        """Whether it asks for old copies to be removed."""
        return self.kind in REMOVALS


def key_of_notice(known: Knowledge, notice: Record) -> ObligationKey | None:
    """Return what a notice asks; None where it names no asset or version, or is of another kind."""
    asset_id, version_no, kind = text(notice, "asset_id"), integer(notice, "version_no"), str(notice["kind"])
    if asset_id is None or version_no is None or kind not in OBLIGATING:
        return None
    canonical = canonical_asset(known, asset_id, required_instant(notice, "posted_at"))
    return None if canonical is None else (str(notice["partner_id"]), canonical, version_no, kind)


def due_of_notice(known: Knowledge, notice: Record, key: ObligationKey, policy: Policy) -> datetime:
    """Its own `due_at`, unless that is before it was posted; else the time to respond."""
    posted_at, due_at = required_instant(notice, "posted_at"), instant(notice, "due_at")
    if due_at is not None and due_at >= posted_at:
        return due_at
    asset = known.find("assets", key[1]) or {}
    return posted_at + policy.response_time(key[3], text(asset, "classification"))


def sent_obligations(known: Knowledge, as_of: datetime, policy: Policy) -> list[SentObligation]:
    """Every obligation that somebody had sent by the instant."""
    posted: dict[ObligationKey, list[Record]] = {}
    for notice in known.current("notices"):
        key = key_of_notice(known, notice)
        if key is not None and required_instant(notice, "posted_at") <= as_of:
            posted.setdefault(key, []).append(notice)
    return [_sent(known, key, notices, as_of, policy) for key, notices in sorted(posted.items())]


def _sent(
    known: Knowledge, key: ObligationKey, notices: list[Record], as_of: datetime, policy: Policy
) -> SentObligation:
    counting = [notice for notice in notices if not has_passed(instant(notice, "retracted_at"), as_of)]
    retracted_at = None
    if not counting:
        counting = notices
        retracted_at = max(required_instant(notice, "retracted_at") for notice in notices)
    return SentObligation(
        *key,
        sent_at=min(required_instant(notice, "posted_at") for notice in counting),
        due_at=min(due_of_notice(known, notice, key, policy) for notice in counting),
        retracted_at=retracted_at,
    )
