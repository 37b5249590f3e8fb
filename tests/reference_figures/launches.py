"""Launches: who is ready with what will be live then (docs/domain.md 9, P6; 11, K10).

Here belong: the pairs that are required, the version at launch, the evidence about it. Not here: rates (things.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from tests.reference.evidence import PULLED, RUNG_OF_KIND, VERIFIED, rung_for
from tests.reference.holdings import acknowledgments, copies, speaks_for
from tests.reference.identities import (
    canonical_asset,
    canonical_partner,
    counted_events,
    is_deleted,
    is_gone,
    partner_of_event,
    version_of_event,
)
from tests.reference.records import (
    Knowledge,
    Record,
    has_passed,
    instant,
    integer,
    local_time,
    required_instant,
    text,
)
from tests.reference.versions import Place, lives_of, resolve_local, versions_of
from tests.reference_figures.things import Thing, Things, Wait

DEFAULT_RUNG = 5
WAIVABLE = frozenset({"readiness", "confirmation"})
TOLD = 2


@dataclass(frozen=True)
class Item:
    """One required pair of a campaign; waived ones too."""

    campaign_id: str
    partner_id: str
    asset_id: str
    package_ids: frozenset[str]
    rung: int
    launch_at: datetime | None
    version_no: int | None
    is_waived: bool


def launch_at(campaign: Record, partner: Record) -> datetime | None:
    """Resolve the launch where the campaign's policy says."""
    local = local_time(campaign, "launch_local")
    if local is None:
        return None
    named = text(campaign, "launch_timezone")
    zones = {
        "partner_local": str(partner["timezone"]),
        "publisher_local": named if named in available_timezones() else "UTC",
    }
    return resolve_local(local, zones.get(str(campaign["launch_policy"])) or "UTC")[0]


def items(known: Knowledge, as_of: datetime) -> Iterator[Item]:
    """Yield what partners are required to have for campaigns, as of the instant."""
    for campaign in known.current("campaigns"):
        if campaign["status"] == "cancelled":
            continue
        contents = _contents(known, str(campaign["campaign_id"]))
        for member in known.current("campaign_partners"):
            partner = known.find("partners", member["partner_id"])
            is_there = partner is not None and not is_gone(known, str(member["partner_id"]), as_of)
            if (
                member["campaign_id"] == campaign["campaign_id"]
                and is_there
                and partner is not None
                and member.get("required") is not False
            ):
                for asset_id, package_ids in contents.items():
                    if known.find("assets", asset_id) and not is_deleted(known, "assets", asset_id, as_of):
                        yield _item(known, (campaign, partner), asset_id, package_ids)


def _contents(known: Knowledge, campaign_id: str) -> dict[str, frozenset[str]]:
    """Return the assets that some package of the campaign requires, with all its packages that hold them."""
    packages = {
        str(package["package_id"]) for package in known.current("packages") if package.get("campaign_id") == campaign_id
    }
    held: dict[str, list[Record]] = {}
    for row in known.current("package_items"):
        if row["package_id"] in packages:
            held.setdefault(str(row["asset_id"]), []).append(row)
    return {
        asset_id: frozenset(str(row["package_id"]) for row in rows)
        for asset_id, rows in held.items()
        if any(row.get("required") is not False for row in rows)
    }


def _item(known: Knowledge, sides: tuple[Record, Record], asset_id: str, package_ids: frozenset[str]) -> Item:
    campaign, partner = sides
    at = launch_at(campaign, partner)
    place = Place(str(partner["region"]), str(partner["timezone"]))
    living = [life.version_no for life in lives_of(known, asset_id, place) if at is not None and life.holds(at)]
    is_waived = any(
        task["campaign_id"] == campaign["campaign_id"]
        and task["status"] == "waived"
        and task["kind"] in WAIVABLE
        and task.get("partner_id") in {None, partner["partner_id"]}
        for task in known.current("campaign_tasks")
    )
    return Item(
        str(campaign["campaign_id"]),
        str(partner["partner_id"]),
        asset_id,
        package_ids,
        integer(campaign, "required_rung") or DEFAULT_RUNG,
        at,
        living[0] if living else None,
        is_waived,
    )


def readiness(known: Knowledge, as_of: datetime) -> Things:
    """K10: ready pairs, partners with all of them, and how long from being sent to being confirmed."""
    found: Things = {("K10", measure): [] for measure in ("readiness", "partners_ready", "confirmation")}
    of_partners: dict[tuple[str, str], list[tuple[Item, bool]]] = {}
    for item in items(known, as_of):
        rung = None
        if item.version_no is not None:
            rung = rung_for(known, (item.partner_id, item.asset_id), item.version_no, as_of)
        is_ready = rung is not None and rung >= item.rung
        thing = Thing(
            item.partner_id,
            item.asset_id,
            item.launch_at,
            numerator=is_ready and not item.is_waived,
            denominator=not item.is_waived,
            excluded=item.is_waived,
        )
        found["K10", "readiness"].append(thing)
        of_partners.setdefault((item.campaign_id, item.partner_id), []).append((item, is_ready))
        wait = None if item.is_waived else _confirmation(known, item, as_of)
        if wait is not None:
            found["K10", "confirmation"].append(Thing(item.partner_id, item.asset_id, item.launch_at, wait=wait))
    for (_, partner_id), mine in of_partners.items():
        is_waived = mine[0][0].is_waived
        found["K10", "partners_ready"].append(
            Thing(
                partner_id,
                None,
                mine[0][0].launch_at,
                numerator=not is_waived and all(is_ready for _, is_ready in mine),
                denominator=not is_waived,
                excluded=is_waived,
            )
        )
    return found


def _confirmation(known: Knowledge, item: Item, as_of: datetime) -> Wait | None:
    """How long from being told, or delivered into a portal, to the rung; None where it fetched it unasked."""
    proofs = list(_proofs(known, item, as_of))
    told = [at for rung, at in proofs if rung <= TOLD] + list(_packaged(known, item, as_of))
    confirmed = [at for rung, at in proofs if rung >= item.rung]
    end = min(confirmed, default=as_of)
    return Wait(end - min(told), is_reached=bool(confirmed)) if told and min(told) <= end else None


def _packaged(known: Knowledge, item: Item, as_of: datetime) -> Iterator[datetime]:
    """Yield when the launch package was posted to it, since the version's approval."""
    version = versions_of(known, item.asset_id).get(item.version_no or 0)
    for notice in known.current("notices"):
        posted_at = required_instant(notice, "posted_at")
        if (
            version is not None
            and version.approved_at is not None
            and notice["kind"] == "launch_package"
            and notice["partner_id"] == item.partner_id
            and notice.get("package_id") in item.package_ids
            and version.approved_at <= posted_at <= as_of
            and not has_passed(instant(notice, "retracted_at"), as_of)
        ):
            yield posted_at


def _proofs(known: Knowledge, item: Item, as_of: datetime) -> Iterator[tuple[int, datetime]]:
    """Yield the rungs from 1 on (docs/domain.md 5) with when each was reached, by the instant."""
    wanted = (item.partner_id, item.asset_id, item.version_no)
    if item.version_no is None:
        return
    for rung, what, at in (*_notices(known), *_deliveries(known), *_looks(known)):
        if what == wanted and at <= as_of:
            yield rung, at
    for copy in copies(known):
        if (copy.partner_id, copy.asset_id, copy.version_no) == wanted and copy.obtained_at <= as_of:
            yield 4, copy.obtained_at
    yield from _acknowledged(known, item, as_of)


What = tuple[str | None, str | None, int | None]


def _notices(known: Knowledge) -> Iterator[tuple[int, What, datetime]]:
    for notice in known.current("notices"):
        at, named = required_instant(notice, "posted_at"), text(notice, "asset_id")
        if named is not None:
            asset_id = canonical_asset(known, named, at)
            yield 1, (str(notice["partner_id"]), asset_id, integer(notice, "version_no")), at


def _deliveries(known: Knowledge) -> Iterator[tuple[int, What, datetime]]:
    for editions in known.histories("deliveries").values():
        delivery = editions[-1].record
        put = [
            required_instant(edition.record, "status_at")
            for edition in editions
            if edition.record["status"] == "delivered" and edition.record["channel"] in PULLED
        ]
        if put:
            partner_id = canonical_partner(known, str(delivery["partner_id"]), put[0])
            yield TOLD, (partner_id, str(delivery["asset_id"]), integer(delivery, "version_no")), put[0]


def _looks(known: Knowledge) -> Iterator[tuple[int, What, datetime]]:
    for event in counted_events(known):
        if event["event_type"] in {"previewed", "opened"}:
            what = partner_of_event(known, event), str(event["asset_id"]), version_of_event(known, event)
            yield 3, what, required_instant(event, "occurred_at")


def _acknowledged(known: Knowledge, item: Item, as_of: datetime) -> Iterator[tuple[int, datetime]]:
    versions = versions_of(known, item.asset_id)
    checksum = versions[item.version_no or 0].checksum_sha256
    for ack in acknowledgments(known):
        named = versions.get(ack.version_no or 0)
        is_about = ack.version_no == item.version_no or (
            named is not None and checksum is not None and named.checksum_sha256 == checksum
        )
        if (
            ack.asset_id == item.asset_id
            and ack.kind in RUNG_OF_KIND
            and ack.counts(as_of)
            and is_about
            and speaks_for(known, ack, item.partner_id)
        ):
            yield RUNG_OF_KIND[ack.kind], ack.occurred_at
            if ack.kind != "auto" and checksum and ack.content_digest == checksum:
                yield VERIFIED, ack.occurred_at
