"""What each acknowledgment is worth towards each obligation (docs/domain.md 7).

Here belong: which acknowledgments are about an obligation, and their classes.
Not here: what follows for the obligation (obligations.py).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from tests.reference.holdings import Acknowledgment, acknowledgments, speaks_for
from tests.reference.policy import Policy
from tests.reference.records import Arrival, Knowledge, has_passed, required_instant
from tests.reference.sent import ObligationKey, SentObligation, sent_obligations
from tests.reference.versions import versions_of

ANSWERS = frozenset({"received", "read", "accepted", "completed"})
REFUSALS = frozenset({"declined", "exception"})
ANSWERS_TO_REMOVALS = frozenset({"completed", "auto", "proxy"})
VALID = frozenset({"early_valid", "on_time", "late", "repeated"})
FIRST = VALID - {"repeated"}

ClassRow: TypeAlias = tuple[str, ObligationKey | None]
"""(ack_id, the obligation that it is about)."""


def acknowledgment_classes(
    arrivals: Iterable[Arrival],
    *,
    as_of: datetime,
    as_known_at: datetime | None = None,
    policy: Policy | None = None,
) -> dict[ClassRow, str]:
    """Every acknowledgment made by the instant, towards each sent obligation that it is about."""
    known = Knowledge(arrivals, as_known_at)
    rows: dict[ClassRow, str] = {}
    for sent in sent_obligations(known, as_of, policy or Policy()):
        for ack, name in classified(known, sent, as_of):
            rows[ack.ack_id, sent.key] = name
    classified_ids = {ack_id for ack_id, _ in rows}
    for record in known.current("acknowledgments"):
        ack_id = str(record["ack_id"])
        if required_instant(record, "occurred_at") <= as_of and ack_id not in classified_ids:
            rows[ack_id, None] = "unsolicited"
    return rows


def classified(known: Knowledge, sent: SentObligation, as_of: datetime) -> Iterator[tuple[Acknowledgment, str]]:
    """Yield what is about an obligation with its class, by (`occurred_at`, `ack_id`)."""
    is_answered = False
    for ack in about(known, sent, as_of):
        name = _class(known, sent, ack, as_of)
        if name in FIRST and is_answered:
            name = "repeated"
        is_answered = is_answered or name in FIRST
        yield ack, name


def about(known: Knowledge, sent: SentObligation, as_of: datetime) -> list[Acknowledgment]:
    """Those of the partner, and of its parent that covers the children, for the asset."""
    found = [
        ack
        for ack in acknowledgments(known)
        if ack.asset_id == sent.asset_id and ack.occurred_at <= as_of and speaks_for(known, ack, sent.partner_id)
    ]
    return sorted(found, key=lambda ack: (ack.occurred_at, ack.ack_id))


def counts_as_of(known: Knowledge, ack: Acknowledgment, version_no: int) -> bool:
    """Whether it names that version, or one whose checksum is known and equal."""
    if ack.version_no is None or ack.version_no == version_no:
        return ack.version_no == version_no
    versions = versions_of(known, ack.asset_id)
    if ack.version_no not in versions or version_no not in versions:
        return False
    named, wanted = versions[ack.version_no].checksum_sha256, versions[version_no].checksum_sha256
    return named is not None and named == wanted


def _class(known: Knowledge, sent: SentObligation, ack: Acknowledgment, as_of: datetime) -> str:
    """The table of section 7, line by line, without `repeated`."""
    names_another = ack.version_no is not None and not counts_as_of(known, ack, sent.version_no)
    is_older = ack.version_no is not None and ack.version_no < sent.version_no
    lines = (
        ("revoked", has_passed(ack.revoked_at, as_of)),
        (
            "response_only",
            ack.kind in REFUSALS or (sent.is_removal and ack.kind not in ANSWERS_TO_REMOVALS),
        ),
        ("unresolved_version", ack.version_no is None and not (sent.is_removal and ack.kind == "completed")),
        ("wrong_version_older", not sent.is_removal and names_another and is_older),
        ("later_version", not sent.is_removal and names_another),
        ("receipt_only", ack.kind == "auto"),
        ("proxy", ack.kind == "proxy"),
        ("too_early", sent.is_removal and ack.occurred_at < _removed_at(known, sent)),
        ("early_valid", ack.occurred_at < sent.sent_at),
        ("late", ack.occurred_at > sent.due_at),
        ("on_time", True),
    )
    return next(name for name, applies in lines if applies)


def _removed_at(known: Knowledge, sent: SentObligation) -> datetime:
    """Return the withdrawal or expiry that a removal is about; if there is none, `sent_at`."""
    version = versions_of(known, sent.asset_id).get(sent.version_no)
    moment = None
    if version is not None:
        moment = version.withdrawn_at if sent.kind == "withdrawal" else version.expires_at
    return sent.sent_at if moment is None else moment
