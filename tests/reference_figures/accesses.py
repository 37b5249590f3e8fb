"""Accesses with their verdicts, and copies obtained too late (docs/domain.md 8 and 11, K7).

Here belong: who got at what, when, and how it was judged. Not here: the judging (tests/reference/verdicts.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.reference.holdings import first_obtained_at
from tests.reference.identities import canonical_partner, counted_events, partner_of_event, version_of_event
from tests.reference.positions import DEFAULT_GRACE
from tests.reference.records import Arrival, Knowledge, integer, required_instant, text
from tests.reference.verdicts import Verdict, first_verdicts, reached_at, verdicts
from tests.reference.versions import UNBARRED, Place, Version, lives_of, versions_of


@dataclass(frozen=True)
class Access:
    """One event or delivery that was judged."""

    subject_id: str
    partner_id: str | None
    asset_id: str
    kind: str
    happened_at: datetime
    now: Verdict
    then: Verdict | None


@dataclass(frozen=True)
class ObsoleteCopy:
    """One copy obtained at or after its version's end."""

    partner_id: str | None
    asset_id: str
    obtained_at: datetime
    vector: str | None
    reason: str
    is_in_grace: bool
    is_partner_known: bool


@dataclass(frozen=True)
class _Copy:
    partner_id: str | None
    asset_id: str
    version_no: int | None
    obtained_at: datetime
    vector: str | None


def accesses(arrivals: Sequence[Arrival], as_of: datetime) -> list[Access]:
    """Every judged access by the instant, with both verdicts."""
    known, firsts = Knowledge(arrivals), first_verdicts(arrivals)
    found = []
    for subject, verdict in verdicts(arrivals, as_of=as_of).items():
        subject_type, identity = subject
        if subject_type == "access_event":
            record = known.find("access_events", identity) or {}
            at, partner_id = required_instant(record, "occurred_at"), partner_of_event(known, record)
            kind = str(record["event_type"])
        else:
            editions = known.history("deliveries", identity)
            record, reached = editions[-1].record, reached_at(editions)
            assert reached is not None
            at, partner_id = reached, canonical_partner(known, str(record["partner_id"]), reached)
            kind = "delivery"
        found.append(Access(identity, partner_id, str(record["asset_id"]), kind, at, verdict, firsts.get(subject)))
    return found


def _copies(known: Knowledge) -> Iterator[_Copy]:
    """Yield every copy that was obtained, whoever it was."""
    for event in counted_events(known):
        if event["event_type"] == "downloaded":
            at, version_no = required_instant(event, "occurred_at"), version_of_event(known, event)
            yield _Copy(partner_of_event(known, event), str(event["asset_id"]), version_no, at, text(event, "vector"))
    for editions in known.histories("deliveries").values():
        obtained_at, delivery = first_obtained_at(editions), editions[-1].record
        if obtained_at is not None:
            partner_id = canonical_partner(known, str(delivery["partner_id"]), obtained_at)
            version_no, channel = integer(delivery, "version_no"), text(delivery, "channel")
            yield _Copy(partner_id, str(delivery["asset_id"]), version_no, obtained_at, channel)


def obsolete_copies(known: Knowledge, as_of: datetime) -> Iterator[ObsoleteCopy]:
    """Yield the copies that were obtained at or after their version's end, by the instant."""
    for copy in _copies(known):
        asset = known.find("assets", copy.asset_id)
        version = versions_of(known, copy.asset_id).get(copy.version_no or 0)
        if copy.obtained_at > as_of or asset is None or version is None:
            continue
        partner = known.find("partners", copy.partner_id)
        zone = str(asset.get("publisher_timezone") if partner is None else partner["timezone"])
        ended = _ended(known, version, zone, copy.obtained_at)
        if ended is not None:
            reason, ended_at = ended
            grace = DEFAULT_GRACE.get(str(asset.get("classification")), DEFAULT_GRACE["standard"])
            is_in_grace = copy.obtained_at < ended_at + grace
            yield ObsoleteCopy(
                copy.partner_id,
                copy.asset_id,
                copy.obtained_at,
                copy.vector,
                reason,
                is_in_grace,
                partner is not None,
            )


def _ended(known: Knowledge, version: Version, zone: str, at: datetime) -> tuple[str, datetime] | None:
    """Return why and when the version had ended by then, bars ignored; None where it had not."""
    own = [
        life
        for life in lives_of(known, version.asset_id, Place(UNBARRED, zone))
        if life.version_no == version.version_no and life.effective_at <= at
    ]
    ends = [life.ended_at for life in own if life.ended_at is not None and life.ended_at <= at]
    gone = [moment for moment in (version.withdrawn_at, version.expires_at) if moment is not None]
    ended_at = max(ends) if ends else min(gone, default=at + timedelta(days=1))
    if version.is_withdrawn(at):
        return "withdrawn", ended_at
    if version.is_expired(at):
        return "expired", ended_at
    if ends and not any(life.holds(at) for life in own):
        return "superseded", ended_at
    return None
