"""What partners owe an answer to, and whether they gave it (docs/domain.md 7 and 9): the slow reference.

`responded_at` and `ack_id` are the earliest valid answer that counts, whatever the state says;
without one, the first exception or refusal where that is the state; else null.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.reference.acknowledgment_classes import ANSWERS, VALID, about, classified, counts_as_of
from tests.reference.announcements import announcements
from tests.reference.holdings import Acknowledgment, Copy, copies
from tests.reference.identities import gone_at
from tests.reference.policy import Policy
from tests.reference.records import Arrival, Knowledge, has_passed, instant, is_within
from tests.reference.sent import ObligationKey, SentObligation, sent_obligations
from tests.reference.versions import Place, lives_of, versions_of

FROM_THE_START = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ObligationRow:
    """One obligation as of an instant."""

    state: str
    sent_at: datetime | None
    due_at: datetime | None
    responded_at: datetime | None
    ack_id: str | None
    acked_without_bytes: bool


UNSENT = ObligationRow("unsent", None, None, None, None, acked_without_bytes=False)


def obligations(
    arrivals: Iterable[Arrival],
    *,
    as_of: datetime,
    as_known_at: datetime | None = None,
    policy: Policy | None = None,
) -> dict[ObligationKey, ObligationRow]:
    """Every obligation that was sent, or should have been, by the instant."""
    policy = policy or Policy()
    known = Knowledge(arrivals, as_known_at)
    obtained = [copy for copy in copies(known) if copy.obtained_at <= as_of]
    rows = dict.fromkeys(announcements(known, as_of, policy), UNSENT)
    for sent in sent_obligations(known, as_of, policy):
        mine = [copy for copy in obtained if (copy.partner_id, copy.asset_id) == sent.key[:2]]
        rows[sent.key] = _row(known, sent, [copy for copy in mine if copy.version_no == sent.version_no], as_of)
    return rows


def _row(known: Knowledge, sent: SentObligation, obtained: list[Copy], as_of: datetime) -> ObligationRow:
    valid = [ack for ack, name in classified(known, sent, as_of) if name in VALID]
    counting = [ack for ack in valid if not (sent.is_removal and _fetched_after(obtained, ack))]
    state = _state(known, sent, counting, as_of)
    response = counting[0] if counting else _refusal(known, sent, state, as_of)
    return ObligationRow(
        state=state,
        sent_at=sent.sent_at,
        due_at=sent.due_at,
        responded_at=None if response is None else response.occurred_at,
        ack_id=None if response is None else response.ack_id,
        acked_without_bytes=not sent.is_removal and bool(valid) and not _has_bytes(obtained, valid),
    )


def _fetched_after(obtained: list[Copy], ack: Acknowledgment) -> bool:
    """Whether the partner obtained that version again after its answer."""
    return any(copy.obtained_at > ack.occurred_at for copy in obtained)


def _has_bytes(obtained: list[Copy], valid: list[Acknowledgment]) -> bool:
    """Whether some valid answer came at or after the version was first obtained."""
    first_at = min((copy.obtained_at for copy in obtained), default=None)
    return any(has_passed(first_at, ack.occurred_at) for ack in valid)


def _state(known: Knowledge, sent: SentObligation, counting: list[Acknowledgment], as_of: datetime) -> str:
    """First match of section 7."""
    ground_at = min((at for at in _grounds(known, sent) if at <= as_of), default=None)
    if counting:
        answered_at = counting[0].occurred_at
        if ground_at is None or ground_at >= answered_at:
            return "acknowledged" if answered_at <= sent.due_at else "acknowledged_late"
    if ground_at is not None:
        return "void"
    if _is_closed_by_later(known, sent, as_of):
        return "closed_by_later"
    if _is_exempt(known, sent, as_of):
        return "exempt"
    for kind, name in (("exception", "exception_requested"), ("declined", "declined")):
        if _refusals(known, sent, kind, as_of):
            return name
    return "overdue" if sent.due_at < as_of else "pending"


def _grounds(known: Knowledge, sent: SentObligation) -> list[datetime]:
    """When each ground for `void` came; future ones too."""
    asset = known.find("assets", sent.asset_id) or {}
    grounds = [sent.retracted_at, gone_at(known, sent.partner_id), instant(asset, "deleted_at")]
    partner = known.find("partners", sent.partner_id)
    version = versions_of(known, sent.asset_id).get(sent.version_no)
    if not sent.is_removal and partner is not None and version is not None:
        grounds.append(FROM_THE_START if version.is_barred(str(partner["region"])) else None)
    return [at for at in grounds if at is not None]


def _is_closed_by_later(known: Knowledge, sent: SentObligation, as_of: datetime) -> bool:
    """Whether it acknowledged a higher version that had begun to live for it."""
    partner = known.find("partners", sent.partner_id)
    if sent.is_removal or partner is None:
        return False
    place = Place(str(partner["region"]), str(partner["timezone"]))
    begun = [life for life in lives_of(known, sent.asset_id, place) if life.version_no > sent.version_no]
    return any(
        ack.kind in ANSWERS
        and ack.counts(as_of)
        and ack.occurred_at >= sent.sent_at
        and life.effective_at <= ack.occurred_at
        and counts_as_of(known, ack, life.version_no)
        for ack in about(known, sent, as_of)
        for life in begun
    )


def _is_exempt(known: Knowledge, sent: SentObligation, as_of: datetime) -> bool:
    """Whether a decision for the partner, its asset or its version covers the instant."""
    return any(
        decision["kind"] == "exempt"
        and decision.get("partner_id") == sent.partner_id
        and decision.get("asset_id") in {None, sent.asset_id}
        and decision.get("version_no") in {None, sent.version_no}
        and is_within(decision, "valid_from", "valid_to", as_of)
        for decision in known.current("decisions")
    )


def _refusals(known: Knowledge, sent: SentObligation, kind: str, as_of: datetime) -> list[Acknowledgment]:
    """Exceptions or refusals since it was sent that name that version, or none."""
    return [
        ack
        for ack in about(known, sent, as_of)
        if ack.kind == kind
        and ack.counts(as_of)
        and ack.occurred_at >= sent.sent_at
        and (ack.version_no is None or counts_as_of(known, ack, sent.version_no))
    ]


def _refusal(known: Knowledge, sent: SentObligation, state: str, as_of: datetime) -> Acknowledgment | None:
    kinds = {"exception_requested": "exception", "declined": "declined"}
    return _refusals(known, sent, kinds[state], as_of)[0] if state in kinds else None
