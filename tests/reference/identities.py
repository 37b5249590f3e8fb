"""Who is who: canonical ids, partners, and what an event is about (docs/domain.md 3).

Partners and users bear Trading Grid's ids, assets bear VIP's. Nothing is guessed:
two valid `xref` rows that map one id to different targets resolve to nobody.
"""

from datetime import datetime

from tests.reference.records import (
    Knowledge,
    Record,
    first_that_says,
    has_passed,
    instant,
    integer,
    is_within,
    required_instant,
    text,
)


def _resolve(known: Knowledge, entity: str, source: tuple[str, str], at: datetime) -> str | None:
    """Follow `xref` from (field, id) to the other side's id, valid at the instant."""
    from_field, identity = source
    to_field = "vip_id" if from_field == "trading_grid_id" else "trading_grid_id"
    targets = {
        str(row[to_field])
        for row in known.current("xref")
        if row["entity"] == entity and row[from_field] == identity and is_within(row, "valid_from", "valid_to", at)
    }
    if not targets:
        return identity
    return targets.pop() if len(targets) == 1 else None


def canonical_partner(known: Knowledge, vip_id: str, at: datetime) -> str | None:
    """Trading Grid's id of a partner that VIP names; None when it is ambiguous."""
    return _resolve(known, "partner", ("vip_id", vip_id), at)


def canonical_user(known: Knowledge, vip_id: str, at: datetime) -> str | None:
    """Trading Grid's id of a user that VIP names; None when it is ambiguous."""
    return _resolve(known, "user", ("vip_id", vip_id), at)


def canonical_asset(known: Knowledge, trading_grid_id: str, at: datetime) -> str | None:
    """VIP's id of an asset that Trading Grid names; None when it is ambiguous."""
    return _resolve(known, "asset", ("trading_grid_id", trading_grid_id), at)


def partner_of_event(known: Knowledge, event: Record) -> str | None:
    """Its own partner, else its delivery's, else its user's (docs/domain.md 3)."""
    at = required_instant(event, "occurred_at")
    vip_id = text(event, "partner_id")
    delivery = known.find("deliveries", event.get("delivery_id"))
    if vip_id is None and delivery is not None:
        vip_id = text(delivery, "partner_id")
    if vip_id is not None:
        return canonical_partner(known, vip_id, at)
    user = text(event, "user_id")
    if user is None:
        return None
    profile = known.find("partner_users", canonical_user(known, user, at))
    return None if profile is None else text(profile, "partner_id")


def version_of_event(known: Knowledge, event: Record) -> int | None:
    """Its own version, else its delivery's (docs/domain.md 3)."""
    version_no = integer(event, "version_no")
    delivery = known.find("deliveries", event.get("delivery_id"))
    if version_no is None and delivery is not None:
        return integer(delivery, "version_no")
    return version_no


def counted_events(known: Knowledge) -> list[Record]:
    """Access events that nothing supersedes, in their latest editions."""
    events = known.current("access_events")
    superseded = {text(event, "supersedes_event_id") for event in events}
    return [event for event in events if event["event_id"] not in superseded]


def gone_at(known: Knowledge, partner_id: str) -> datetime | None:
    """Since when the partner has left or been deleted (docs/domain.md 7 and 8)."""
    partner = known.find("partners", partner_id)
    if partner is None:
        return None
    moments = [instant(partner, "deleted_at")]
    if partner["status"] == "left":
        history = known.history("partners", partner_id)
        first = first_that_says(history, "status", "left") or partner
        moments.append(instant(partner, "left_at") or required_instant(first, "updated_at"))
    return min((moment for moment in moments if moment is not None), default=None)


def is_gone(known: Knowledge, partner_id: str, at: datetime) -> bool:
    """Whether the partner had left or been deleted by then."""
    return has_passed(gone_at(known, partner_id), at)


def is_deleted(known: Knowledge, stream: str, identity: str, at: datetime) -> bool:
    """Whether the asset or segment was deleted by then."""
    record = known.find(stream, identity)
    return record is not None and has_passed(instant(record, "deleted_at"), at)
