"""What contradicts itself (docs/domain.md 7 and 8): the slow reference of the findings about single records.

Here belong: the contradictions that follow from accesses, acknowledgments, versions, requests, issues and notices.
Not here: campaigns (tests/reference_figures/launches.py), what the patterns find of their own.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from tests.reference.holdings import acknowledgments, copies, first_obtained_at, held_at
from tests.reference.identities import (
    canonical_asset,
    canonical_partner,
    counted_events,
    partner_of_event,
    version_of_event,
)
from tests.reference.policy import OBLIGATING
from tests.reference.records import Arrival, Knowledge, Record, instant, integer, required_instant, text
from tests.reference.verdicts import LOOKS, reached_at, verdicts
from tests.reference.versions import Place, lives_of

CLAIMS = frozenset({"received", "read", "accepted"})
CLOSED = frozenset({"delivered", "confirmed", "closed"})
RESOLVED = frozenset({"partner_notified", "confirmed"})
FAULTS = frozenset({"outdated", "wrong_format", "wrong_territory", "corrupt"})
WITHOUT_GRANT = frozenset({"no_grant", "explicit_deny"})

Finding: TypeAlias = tuple[str, str]
"""(rule, what it is about; parts of a key are joined by bars)."""
Claim: TypeAlias = tuple[str, str, int]
"""(partner, asset, version) of which somebody claims something."""


def contradictions(arrivals: Iterable[Arrival], *, as_of: datetime) -> set[Finding]:
    """Return what is contradictory as of the instant, by all that is known."""
    everything = list(arrivals)
    known = Knowledge(everything)
    return {
        *_acknowledged(known, as_of),
        *_without_grant(everything, known, as_of),
        *_delivered_superseded(known),
        *_versions(known),
        *_requests(known),
        *_issues(known, as_of),
        *_notices(known),
    }


def _acknowledged(known: Knowledge, as_of: datetime) -> Iterator[Finding]:
    """Found at the partner's own first claim of a version that it never obtained, or was not even told of."""
    first: dict[Claim, str] = {}
    for ack in sorted(acknowledgments(known), key=lambda ack: (ack.occurred_at, ack.ack_id)):
        if ack.kind in CLAIMS and ack.counts(as_of) and ack.version_no is not None:
            first.setdefault((ack.partner_id, ack.asset_id, ack.version_no), ack.ack_id)
    obtained = {
        (copy.partner_id, copy.asset_id, copy.version_no) for copy in copies(known) if copy.obtained_at <= as_of
    }
    sent = {*obtained, *_told(known, as_of), *_put(known, as_of), *_looked(known, as_of)}
    for claim, ack_id in first.items():
        if claim not in obtained:
            yield "acknowledged_without_bytes", ack_id
        if claim not in sent:
            yield "acknowledged_never_sent", ack_id


def _told(known: Knowledge, as_of: datetime) -> Iterator[tuple[object, ...]]:
    """Yield what was posted, retracted or not."""
    for notice in known.current("notices"):
        posted_at = required_instant(notice, "posted_at")
        if posted_at <= as_of and text(notice, "asset_id") is not None:
            asset_id = canonical_asset(known, str(notice["asset_id"]), posted_at)
            yield notice["partner_id"], asset_id, integer(notice, "version_no")


def _put(known: Knowledge, as_of: datetime) -> Iterator[tuple[object, ...]]:
    """Yield what reached delivered or picked up, for whom it was when it was obtained, else when it was delivered."""
    for editions in known.histories("deliveries").values():
        delivery, at = editions[-1].record, reached_at(editions)
        if at is not None and at <= as_of:
            partner_id = canonical_partner(known, str(delivery["partner_id"]), first_obtained_at(editions) or at)
            yield partner_id, delivery["asset_id"], integer(delivery, "version_no")


def _looked(known: Knowledge, as_of: datetime) -> Iterator[tuple[object, ...]]:
    for event in counted_events(known):
        if event["event_type"] in LOOKS and required_instant(event, "occurred_at") <= as_of:
            yield partner_of_event(known, event), event["asset_id"], version_of_event(known, event)


def _without_grant(arrivals: list[Arrival], known: Knowledge, as_of: datetime) -> Iterator[Finding]:
    """Found once per partner, asset and version, by the verdicts of now on what was obtained."""
    judged = verdicts(arrivals, as_of=as_of)
    for event in counted_events(known):
        verdict = judged.get(("access_event", str(event["event_id"])))
        if verdict is not None and verdict.entitlement in WITHOUT_GRANT and event["event_type"] == "downloaded":
            yield from _copy(known, partner_of_event(known, event), event, version_of_event(known, event))
    for key, editions in known.histories("deliveries").items():
        verdict, obtained_at = judged.get(("delivery", str(key[0]))), first_obtained_at(editions)
        delivered_at = reached_at(editions)
        if verdict is None or verdict.entitlement not in WITHOUT_GRANT or obtained_at is None or delivered_at is None:
            continue
        delivery = editions[-1].record
        partner_id = canonical_partner(known, str(delivery["partner_id"]), delivered_at)
        if obtained_at <= as_of and partner_id == canonical_partner(known, str(delivery["partner_id"]), obtained_at):
            yield from _copy(known, partner_id, delivery, integer(delivery, "version_no"))


def _copy(known: Knowledge, partner_id: str | None, record: Record, version_no: int | None) -> Iterator[Finding]:
    if known.find("assets", record["asset_id"]) is not None:
        number = "unknown" if version_no is None else version_no
        yield "bytes_without_grant", f"{partner_id}|{record['asset_id']}|{number}"


def _delivered_superseded(known: Knowledge) -> Iterator[Finding]:
    """What had begun to live for that partner, and been superseded, by its delivery; a return later changes nothing."""
    for key, editions in known.histories("deliveries").items():
        delivery, at = editions[-1].record, reached_at(editions)
        if at is None:
            continue
        partner_id = canonical_partner(known, str(delivery["partner_id"]), first_obtained_at(editions) or at)
        partner = known.find("partners", partner_id)
        if partner is None:
            continue
        place = Place(str(partner["region"]), str(partner["timezone"]))
        begun = [
            life
            for life in lives_of(known, str(delivery["asset_id"]), place)
            if life.version_no == integer(delivery, "version_no") and life.effective_at <= at
        ]
        last = max(begun, key=lambda life: life.effective_at, default=None)
        if last is not None and not last.holds(at) and last.end_reason == "superseded":
            yield "delivered_superseded", str(key[0])


def _versions(known: Knowledge) -> Iterator[Finding]:
    """A number that came back with another checksum; a content change with that of the version before."""
    earlier: tuple[object, str | None] = (None, None)
    for key, editions in sorted(known.histories("asset_versions").items(), key=str):
        version, checksum = editions[-1].record, text(editions[-1].record, "checksum_sha256")
        if len({text(edition.record, "checksum_sha256") for edition in editions} - {None}) > 1:
            yield "version_number_reused", f"{key[0]}|{key[1]}"
        if version.get("change_class") == "content" and checksum is not None and earlier == (key[0], checksum):
            yield "content_change_equal_checksum", f"{key[0]}|{key[1]}"
        earlier = (key[0], checksum)


def _requests(known: Knowledge) -> Iterator[Finding]:
    arrived = {
        edition.record.get("request_id")
        for editions in known.histories("deliveries").values()
        for edition in editions
        if edition.record["status"] in {"delivered", "picked_up"}
    }
    for request in known.current("requests"):
        if request["status"] in CLOSED and request["request_id"] not in arrived:
            yield "request_closed_without_delivery", str(request["request_id"])


def _issues(known: Knowledge, as_of: datetime) -> Iterator[Finding]:
    """Resolved, and its reporter still holds the version that it names."""
    obtained = [copy for copy in copies(known) if copy.obtained_at <= as_of]
    for issue in known.current("issues"):
        if issue["status"] not in RESOLVED or issue["category"] not in FAULTS or text(issue, "asset_id") is None:
            continue
        asset_id = canonical_asset(known, str(issue["asset_id"]), required_instant(issue, "created_at"))
        holder, version_no = (issue["partner_id"], asset_id), integer(issue, "version_no")
        mine = [copy for copy in obtained if (copy.partner_id, copy.asset_id) == holder]
        if version_no is not None and any(copy.version_no == version_no for copy in held_at(known, mine, as_of)):
            yield "issue_resolved_but_held", str(issue["issue_id"])


def _notices(known: Knowledge) -> Iterator[Finding]:
    for notice in known.current("notices"):
        posted_at, due_at = required_instant(notice, "posted_at"), instant(notice, "due_at")
        if due_at is not None and due_at < posted_at:
            yield "notice_due_before_posted", str(notice["notice_id"])
        named = text(notice, "asset_id")
        asset_id = None if named is None else canonical_asset(known, named, posted_at)
        if notice["kind"] in OBLIGATING and (asset_id is None or integer(notice, "version_no") is None):
            yield "notice_without_subject", str(notice["notice_id"])
