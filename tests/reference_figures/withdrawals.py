"""Withdrawals: who held the version, was told, answered, got rid of it (docs/domain.md 11, K8).

Here belong: the holders at the withdrawal, and accesses after it. Not here: rates (things.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.reference.holdings import Copy, acknowledgments, copies, held_at, removes, speaks_for
from tests.reference.identities import counted_events, partner_of_event, version_of_event
from tests.reference.policy import Policy
from tests.reference.records import Knowledge, required_instant
from tests.reference.sent import sent_obligations
from tests.reference.versions import Version, versions_of
from tests.reference_figures.things import Thing, Things, Wait

LOOKS = frozenset({"previewed", "opened", "downloaded"})
NO_PERSON = frozenset({"auto", "proxy"})
OF_HOLDERS = ("holders_known", "notified", "responded", "completed", "silent", "completion", "replacement")


@dataclass(frozen=True)
class Holder:
    """A partner that held a version when it was withdrawn, and what became of that."""

    partner_id: str
    asset_id: str
    withdrawn_at: datetime
    is_notified: bool
    has_responded: bool
    removed_at: datetime | None
    replaced_at: datetime | None


def withdrawn_versions(known: Knowledge, as_of: datetime) -> Iterator[tuple[Version, datetime]]:
    """Yield the versions withdrawn or revoked by the instant, with when."""
    for asset_id in sorted({str(key[0]) for key in known.histories("asset_versions")}):
        for version in versions_of(known, asset_id).values():
            if version.withdrawn_at is not None and version.withdrawn_at <= as_of:
                yield version, version.withdrawn_at


def holders(known: Knowledge, as_of: datetime, policy: Policy) -> Iterator[Holder]:
    """Yield who held a version at the instant of its withdrawal, as known now."""
    everything = [copy for copy in copies(known) if copy.obtained_at <= as_of]
    notified = {sent.key for sent in sent_obligations(known, as_of, policy)}
    for version, withdrawn_at in withdrawn_versions(known, as_of):
        of_version = [
            copy for copy in everything if copy.asset_id == version.asset_id and copy.version_no == version.version_no
        ]
        for partner_id in sorted({copy.partner_id for copy in of_version}):
            mine = [copy for copy in of_version if copy.partner_id == partner_id]
            if not held_at(known, [copy for copy in mine if copy.obtained_at <= withdrawn_at], withdrawn_at):
                continue
            later = [
                copy.obtained_at
                for copy in everything
                if (copy.partner_id, copy.asset_id) == (partner_id, version.asset_id)
                and copy.version_no is not None
                and copy.version_no > version.version_no
            ]
            yield Holder(
                partner_id,
                version.asset_id,
                withdrawn_at,
                is_notified=(partner_id, version.asset_id, version.version_no, "withdrawal") in notified,
                has_responded=_has_responded(known, (partner_id, version.asset_id), withdrawn_at, as_of),
                removed_at=_removed_at(known, mine, as_of),
                replaced_at=max(min(later), withdrawn_at) if later else None,
            )


def _has_responded(known: Knowledge, holder: tuple[str, str], withdrawn_at: datetime, as_of: datetime) -> bool:
    """Whether a person said anything about the asset since the withdrawal."""
    return any(
        ack.asset_id == holder[1]
        and ack.kind not in NO_PERSON
        and ack.occurred_at >= withdrawn_at
        and ack.counts(as_of)
        and speaks_for(known, ack, holder[0])
        for ack in acknowledgments(known)
    )


def removed_at(known: Knowledge, copy: Copy, as_of: datetime) -> datetime | None:
    """Return when an attestation, not revoked by the instant, first removed the copy."""
    attested = [ack.occurred_at for ack in acknowledgments(known) if removes(known, ack, copy, as_of)]
    return min(attested, default=None)


def _removed_at(known: Knowledge, mine: list[Copy], as_of: datetime) -> datetime | None:
    """Return when the last of the copies was attested removed; None while one is there."""
    moments = [removed_at(known, copy, as_of) for copy in mine]
    return None if None in moments else max(at for at in moments if at is not None)


def effectiveness(known: Knowledge, as_of: datetime, policy: Policy) -> Things:
    """K8: of the holders at the withdrawal, and of accesses."""
    found: Things = {("K8", measure): [] for measure in OF_HOLDERS}

    def put(measure: str, holder: Holder, *, counts: bool, of: bool = True, wait: Wait | None = None) -> None:
        thing = Thing(
            holder.partner_id,
            holder.asset_id,
            holder.withdrawn_at,
            numerator=counts and of,
            denominator=of,
            excluded=not of,
            wait=wait,
        )
        found["K8", measure].append(thing)

    for holder in holders(known, as_of, policy):
        is_holding, is_told = holder.removed_at is None, holder.is_notified
        put("holders_known", holder, counts=True)
        put("notified", holder, counts=is_told)
        put("responded", holder, counts=holder.has_responded, of=is_told)
        put("completed", holder, counts=not is_holding)
        put("silent", holder, counts=not holder.has_responded and is_holding, of=is_told)
        first = min((at for at in (holder.removed_at, holder.replaced_at) if at is not None), default=None)
        for measure, end in (("completion", holder.removed_at), ("replacement", first)):
            lasted: timedelta = (end or as_of) - holder.withdrawn_at
            put(measure, holder, counts=False, wait=Wait(lasted, is_reached=end is not None))
    return found | _accesses(known, as_of)


def _accesses(known: Knowledge, as_of: datetime) -> Things:
    """Previews, openings and downloads since the withdrawal; downloads by nobody that can be told, whenever."""
    after: list[Thing] = []
    unknown: list[Thing] = []
    withdrawn = {(version.asset_id, version.version_no): at for version, at in withdrawn_versions(known, as_of)}
    for event in counted_events(known):
        at, asset_id, number = (
            required_instant(event, "occurred_at"),
            str(event["asset_id"]),
            version_of_event(known, event),
        )
        withdrawn_at = None if number is None else withdrawn.get((asset_id, number))
        if withdrawn_at is None or at > as_of or event["event_type"] not in LOOKS:
            continue
        partner_id = partner_of_event(known, event)
        is_known = known.find("partners", partner_id) is not None
        thing = Thing(partner_id if is_known else None, asset_id, withdrawn_at, numerator=True)
        if is_known and at >= withdrawn_at:
            after.append(thing)
        if not is_known and event["event_type"] == "downloaded":
            unknown.append(thing)
    return {("K8", "accesses_after"): after, ("K8", "unknown_downloads"): unknown}
