"""What a partner obtained, what it attested, what it still holds (docs/domain.md 5, 6).

Here belong: copies (rung 4), acknowledgments as read, removals. Not here: positions.
"""

from dataclasses import dataclass
from datetime import datetime

from tests.reference.identities import (
    canonical_asset,
    canonical_partner,
    counted_events,
    partner_of_event,
    version_of_event,
)
from tests.reference.records import (
    Edition,
    Knowledge,
    Record,
    has_passed,
    instant,
    integer,
    required_instant,
    text,
)
from tests.reference.versions import versions_of

PUSHED = frozenset({"sftp", "as2", "api"})
"""Channels over which `delivered` means obtained."""


@dataclass(frozen=True)
class Copy:
    """One copy that a partner obtained; `version_no` is None where it is unknown."""

    partner_id: str
    asset_id: str
    version_no: int | None
    obtained_at: datetime


@dataclass(frozen=True)
class Acknowledgment:
    """An acknowledgment, with what it took from its notice."""

    ack_id: str
    partner_id: str
    asset_id: str
    version_no: int | None
    kind: str
    covers_children: bool
    content_digest: str | None
    occurred_at: datetime
    revoked_at: datetime | None

    def counts(self, at: datetime) -> bool:
        """Whether it had been made by then, and not been revoked."""
        return self.occurred_at <= at and not has_passed(self.revoked_at, at)


def known_version(known: Knowledge, asset_id: str, version_no: int | None) -> int | None:
    """Return the number, or None for one that VIP does not know."""
    return version_no if version_no in versions_of(known, asset_id) else None


def is_obtained(delivery: Record) -> bool:
    """Whether this edition of a delivery says that the partner has it (rung 4)."""
    has_arrived = delivery["status"] == "delivered" and delivery["channel"] in PUSHED
    return has_arrived or delivery["status"] == "picked_up"


def first_obtained_at(editions: list[Edition]) -> datetime | None:
    """Return the `status_at` of the first edition that says obtained."""
    for edition in editions:
        if is_obtained(edition.record):
            return required_instant(edition.record, "status_at")
    return None


def copies(known: Knowledge) -> list[Copy]:
    """Every copy ever obtained by somebody whose identity resolves."""
    found: list[Copy] = []
    for event in counted_events(known):
        if event["event_type"] == "downloaded":
            partner_id = partner_of_event(known, event)
            at = required_instant(event, "occurred_at")
            version_no = version_of_event(known, event)
            _add(known, found, partner_id, (event, version_no, at))
    for editions in known.histories("deliveries").values():
        delivery = editions[-1].record
        obtained_at = first_obtained_at(editions)
        if obtained_at is not None:
            vip_id = str(delivery["partner_id"])
            partner_id = canonical_partner(known, vip_id, obtained_at)
            version_no = integer(delivery, "version_no")
            _add(known, found, partner_id, (delivery, version_no, obtained_at))
    return found


def _add(
    known: Knowledge,
    found: list[Copy],
    partner_id: str | None,
    what: tuple[Record, int | None, datetime],
) -> None:
    """Add a copy; what resolves to no partner or asset that we know counts in nothing (docs/domain.md 3)."""
    record, version_no, at = what
    asset_id = str(record["asset_id"])
    if partner_id is not None and known.find("partners", partner_id) and known.find("assets", asset_id):
        version_no = known_version(known, asset_id, version_no)
        found.append(Copy(partner_id, asset_id, version_no, at))


def notice_about(known: Knowledge, record: Record) -> tuple[str | None, int | None]:
    """Return the asset and version of the notice that an acknowledgment names."""
    notice = known.find("notices", record.get("notice_id"))
    if notice is None or text(notice, "asset_id") is None:
        return None, None
    posted_at = required_instant(notice, "posted_at")
    asset_id = canonical_asset(known, str(notice["asset_id"]), posted_at)
    return asset_id, integer(notice, "version_no")


def acknowledgments(known: Knowledge) -> list[Acknowledgment]:
    """Every acknowledgment whose asset resolves (docs/domain.md 7)."""
    found: list[Acknowledgment] = []
    for record in known.current("acknowledgments"):
        occurred_at = required_instant(record, "occurred_at")
        notice_asset, notice_version = notice_about(known, record)
        own_asset = text(record, "asset_id")
        asset_id = notice_asset if own_asset is None else canonical_asset(known, own_asset, occurred_at)
        if asset_id is None:
            continue
        version_no = integer(record, "version_no")
        if version_no is None and notice_asset == asset_id:
            version_no = notice_version
        found.append(
            Acknowledgment(
                ack_id=str(record["ack_id"]),
                partner_id=str(record["partner_id"]),
                asset_id=asset_id,
                version_no=version_no,
                kind=str(record["kind"]),
                covers_children=bool(record.get("covers_children")),
                content_digest=text(record, "content_digest"),
                occurred_at=occurred_at,
                revoked_at=instant(record, "revoked_at"),
            )
        )
    return found


def speaks_for(known: Knowledge, ack: Acknowledgment, partner_id: str) -> bool:
    """Whether it is the partner's own, or its parent's that covers the children."""
    if ack.partner_id == partner_id:
        return True
    partner = known.find("partners", partner_id) or {}
    return ack.covers_children and partner.get("parent_partner_id") == ack.partner_id


def removes(known: Knowledge, ack: Acknowledgment, copy: Copy, at: datetime) -> bool:
    """Whether, as of the instant, this attestation removed this copy (Held)."""
    if ack.kind != "completed" or not ack.counts(at) or ack.asset_id != copy.asset_id:
        return False
    if not speaks_for(known, ack, copy.partner_id):
        return False
    if copy.obtained_at > ack.occurred_at:
        return False
    named = known_version(known, ack.asset_id, ack.version_no)
    if named is None or copy.version_no != named:
        return True
    version = versions_of(known, ack.asset_id)[named]
    partner = known.find("partners", copy.partner_id) or {}
    return (
        version.is_withdrawn(ack.occurred_at)
        or version.is_expired(ack.occurred_at)
        or version.is_barred(str(partner.get("region")))
    )


def held_at(known: Knowledge, obtained: list[Copy], at: datetime) -> list[Copy]:
    """Of copies obtained by then, those that no attestation removed."""
    attestations = acknowledgments(known)
    return [copy for copy in obtained if not any(removes(known, ack, copy, at) for ack in attestations)]
