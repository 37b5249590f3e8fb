"""Was each access allowed, and was the version the right one then (docs/domain.md 8): the slow reference.

Here belong: the two verdicts on an access event or a delivery, now and as first known.
Not here: grants (grants.py), lives (versions.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from tests.reference.grants import TO_LOOK, TO_OBTAIN, Wish, allows, denies, grants_in_force
from tests.reference.identities import canonical_partner, counted_events, partner_of_event, version_of_event
from tests.reference.records import Arrival, Edition, Key, Knowledge, Record, integer, key_of, required_instant
from tests.reference.versions import UNBARRED, Place, lives_of, versions_of

REACHED = frozenset({"delivered", "picked_up"})
LOOKS = frozenset({"previewed", "opened"})

Subject: TypeAlias = tuple[str, str]
"""(subject_type, subject_id)."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one access at its own instant."""

    entitlement: str
    timing: str


@dataclass(frozen=True)
class Access:
    """Who wanted what, when; `partner_id` only of a partner that we know."""

    subject: Subject
    partner_id: str | None
    asset_id: str
    version_no: int | None
    at: datetime
    wish: Wish


def verdicts(
    arrivals: Iterable[Arrival], *, as_of: datetime | None = None, as_known_at: datetime | None = None
) -> dict[Subject, Verdict]:
    """Judge everything that nothing supersedes, by what was known at `as_known_at` (None: all)."""
    known = Knowledge(arrivals, as_known_at)
    return {
        access.subject: Verdict(_entitlement(known, access), _timing(known, access))
        for access in (*_events(known), *_deliveries(known))
        if as_of is None or access.at <= as_of
    }


def first_verdicts(arrivals: Iterable[Arrival], *, as_known_at: datetime | None = None) -> dict[Subject, Verdict]:
    """Judge each as known when we first had it; what was superseded by then has no verdict."""
    everything = [one for one in arrivals if as_known_at is None or one.known_at <= as_known_at]
    firsts = first_known(everything)
    worlds = {at: verdicts(everything, as_known_at=at) for at in set(firsts.values())}
    return {subject: worlds[at][subject] for subject, at in firsts.items() if subject in worlds[at]}


def first_known(arrivals: Iterable[Arrival]) -> dict[Subject, datetime]:
    """When we first had an event, or first knew that a delivery had reached its partner."""
    found: dict[Subject, datetime] = {}
    for arrival in arrivals:
        subject = _subject(arrival)
        if subject is not None:
            found[subject] = min(found.get(subject, arrival.known_at), arrival.known_at)
    return found


def _subject(arrival: Arrival) -> Subject | None:
    if arrival.stream not in {"access_events", "deliveries"}:
        return None
    key = key_of(arrival.stream, arrival.record)
    if key is None:
        return None
    if arrival.stream == "access_events":
        return "access_event", str(key[0])
    return ("delivery", str(key[0])) if arrival.record["status"] in REACHED else None


def _known_partner(known: Knowledge, partner_id: str | None) -> str | None:
    return None if known.find("partners", partner_id) is None else partner_id


def _events(known: Knowledge) -> Iterator[Access]:
    for event in counted_events(known):
        yield Access(
            subject=("access_event", str(event["event_id"])),
            partner_id=_known_partner(known, partner_of_event(known, event)),
            asset_id=str(event["asset_id"]),
            version_no=version_of_event(known, event),
            at=required_instant(event, "occurred_at"),
            wish=TO_LOOK if event["event_type"] in LOOKS else TO_OBTAIN,
        )


def _deliveries(known: Knowledge) -> Iterator[Access]:
    for key, editions in known.histories("deliveries").items():
        at = reached_at(editions)
        if at is not None:
            yield _delivery(known, key, editions[-1].record, at)


def reached_at(editions: list[Edition]) -> datetime | None:
    """Return the `status_at` of the first edition that says delivered or picked up."""
    for edition in editions:
        if edition.record["status"] in REACHED:
            return required_instant(edition.record, "status_at")
    return None


def _delivery(known: Knowledge, key: Key, delivery: Record, at: datetime) -> Access:
    return Access(
        subject=("delivery", str(key[0])),
        partner_id=_known_partner(known, canonical_partner(known, str(delivery["partner_id"]), at)),
        asset_id=str(delivery["asset_id"]),
        version_no=integer(delivery, "version_no"),
        at=at,
        wish=TO_OBTAIN,
    )


def _entitlement(known: Knowledge, access: Access) -> str:
    if access.partner_id is None:
        return "unknown_identity"
    partner = known.find("partners", access.partner_id) or {}
    version = versions_of(known, access.asset_id).get(access.version_no or 0)
    if version is not None and version.is_barred(str(partner["region"])):
        return "barred"
    in_force = grants_in_force(known, access.partner_id, access.asset_id, access.at)
    if denies(in_force, access.wish):
        return "explicit_deny"
    return "ok" if allows(in_force, access.wish) else "no_grant"


def _timing(known: Knowledge, access: Access) -> str:
    version = versions_of(known, access.asset_id).get(access.version_no or 0)
    if version is None:
        return "version_unknown"
    lives = [
        life
        for life in lives_of(known, access.asset_id, _place(known, access))
        if life.version_no == version.version_no
    ]
    lines = (
        ("obsolete_withdrawn", version.is_withdrawn(access.at)),
        ("obsolete_expired", version.is_expired(access.at)),
        ("never_effective", not lives),
        ("embargo", all(access.at < life.effective_at for life in lives)),
        ("live", any(life.holds(access.at) for life in lives)),
        ("obsolete_superseded", True),
    )
    return next(name for name, applies in lines if applies)


def _place(known: Knowledge, access: Access) -> Place:
    """Timing ignores bars; the partner's zone, or the publisher's for an unknown identity."""
    partner, asset = known.find("partners", access.partner_id), known.find("assets", access.asset_id)
    if partner is not None:
        return Place(UNBARRED, str(partner["timezone"]))
    return Place(UNBARRED, str((asset or {}).get("publisher_timezone")))
