"""How strongly we know that a partner has a version: the rungs (docs/domain.md 5)."""

from datetime import datetime

from tests.reference.grants import is_entitled
from tests.reference.holdings import (
    Acknowledgment,
    Copy,
    acknowledgments,
    copies,
    speaks_for,
)
from tests.reference.identities import (
    canonical_asset,
    canonical_partner,
    counted_events,
    partner_of_event,
    version_of_event,
)
from tests.reference.records import (
    Knowledge,
    integer,
    required_instant,
    text,
)
from tests.reference.versions import versions_of

ASSIGNED, NOTIFIED, DELIVERED, OPENED = 0, 1, 2, 3
OBTAINED, ACKNOWLEDGED, COMPLETED, VERIFIED = 4, 5, 6, 7

RUNG_OF_KIND = {
    "auto": DELIVERED,
    "received": ACKNOWLEDGED,
    "read": ACKNOWLEDGED,
    "accepted": ACKNOWLEDGED,
    "completed": COMPLETED,
}
PULLED = frozenset({"portal", "email_link"})
"""Channels over which `delivered` is no more than delivered."""


def rung_for(known: Knowledge, holder: tuple[str, str], version_no: int, at: datetime) -> int | None:
    """Return the highest rung that (partner, asset) reached for the version."""
    partner_id, asset_id = holder
    wanted = (partner_id, asset_id, version_no)
    rungs = set(_acknowledged(known, wanted, at))
    if is_entitled(known, partner_id, asset_id, at):
        rungs.add(ASSIGNED)
    if wanted in _notified(known, at):
        rungs.add(NOTIFIED)
    if wanted in _delivered(known, at):
        rungs.add(DELIVERED)
    if wanted in _opened(known, at):
        rungs.add(OPENED)
    if any(copy.obtained_at <= at and copy == Copy(*wanted, copy.obtained_at) for copy in copies(known)):
        rungs.add(OBTAINED)
    return max(rungs, default=None)


def _notified(known: Knowledge, at: datetime) -> set[tuple[str, str | None, object]]:
    found: set[tuple[str, str | None, object]] = set()
    for notice in known.current("notices"):
        posted_at = required_instant(notice, "posted_at")
        if posted_at <= at and text(notice, "asset_id") is not None:
            asset_id = canonical_asset(known, str(notice["asset_id"]), posted_at)
            version_no = integer(notice, "version_no")
            found.add((str(notice["partner_id"]), asset_id, version_no))
    return found


def _delivered(known: Knowledge, at: datetime) -> set[tuple[str | None, str, object]]:
    found: set[tuple[str | None, str, object]] = set()
    for editions in known.histories("deliveries").values():
        delivery = editions[-1].record
        reached = [
            required_instant(edition.record, "status_at")
            for edition in editions
            if edition.record["status"] == "delivered" and edition.record["channel"] in PULLED
        ]
        if reached and reached[0] <= at:
            vip_id = str(delivery["partner_id"])
            partner_id = canonical_partner(known, vip_id, reached[0])
            version_no = integer(delivery, "version_no")
            found.add((partner_id, str(delivery["asset_id"]), version_no))
    return found


def _opened(known: Knowledge, at: datetime) -> set[tuple[str | None, str, object]]:
    return {
        (
            partner_of_event(known, event),
            str(event["asset_id"]),
            version_of_event(known, event),
        )
        for event in counted_events(known)
        if event["event_type"] in {"previewed", "opened"} and required_instant(event, "occurred_at") <= at
    }


def _acknowledged(known: Knowledge, wanted: tuple[str, str, int], at: datetime) -> list[int]:
    """Rungs by acknowledgments; equal checksums carry over (docs/domain.md 7)."""
    partner_id, asset_id, version_no = wanted
    checksum = _checksum(known, asset_id, version_no)
    found: list[int] = []
    for ack in acknowledgments(known):
        is_mine = ack.asset_id == asset_id and speaks_for(known, ack, partner_id)
        if not is_mine or not ack.counts(at) or ack.kind not in RUNG_OF_KIND:
            continue
        if not _is_about(known, ack, version_no, checksum):
            continue
        found.append(RUNG_OF_KIND[ack.kind])
        if ack.kind != "auto" and checksum and ack.content_digest == checksum:
            found.append(VERIFIED)
    return found


def _is_about(known: Knowledge, ack: Acknowledgment, version_no: int, checksum: str | None) -> bool:
    if ack.version_no == version_no:
        return True
    if ack.version_no is None or checksum is None:
        return False
    return _checksum(known, ack.asset_id, ack.version_no) == checksum


def _checksum(known: Knowledge, asset_id: str, version_no: int) -> str | None:
    version = versions_of(known, asset_id).get(version_no)
    return None if version is None else version.checksum_sha256
