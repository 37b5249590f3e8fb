"""Who may download what, when (docs/domain.md 6, Entitled, and 8, Grants)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.reference.identities import canonical_partner, is_deleted, is_gone
from tests.reference.records import (
    Knowledge,
    Record,
    has_passed,
    instant,
    is_within,
    text,
    texts,
)

DATED: Mapping[str, tuple[str, ...]] = {
    "grants": ("valid_from", "valid_to"),
    "group_members": ("joined_at", "left_at"),
    "segment_assets": ("added_at", "removed_at"),
    "segments": ("deleted_at",),
    "packages": ("embargo_until",),
    "partners": ("left_at", "deleted_at"),
    "assets": ("deleted_at",),
    "xref": ("valid_from", "valid_to"),
}
"""What entitlement depends on that bears a date."""


def is_entitled(known: Knowledge, partner_id: str, asset_id: str, at: datetime) -> bool:
    """Whether its grants allow `download` and it is not suspended."""
    partner = known.find("partners", partner_id)
    if partner is None or partner["status"] == "suspended":
        return False
    return may_obtain(known, partner_id, asset_id, at)


def may_obtain(known: Knowledge, partner_id: str, asset_id: str, at: datetime) -> bool:
    """Tell whether some `allow` has download, and no `deny` has download or view."""
    in_force = grants_in_force(known, partner_id, asset_id, at)
    return allows(in_force, TO_OBTAIN) and not denies(in_force, TO_OBTAIN)


@dataclass(frozen=True)
class Wish:
    """What a partner wants to do: one of these rights lets it, one of those stops it."""

    allowed_by: frozenset[str]
    denied_by: frozenset[str]


TO_OBTAIN = Wish(allowed_by=frozenset({"download"}), denied_by=frozenset({"download", "view"}))
TO_LOOK = Wish(allowed_by=frozenset({"view", "download"}), denied_by=frozenset({"view"}))


def allows(in_force: list[Record], wish: Wish) -> bool:
    """Whether some `allow` has a right that lets it."""
    return any(grant["effect"] == "allow" and wish.allowed_by & set(texts(grant, "rights")) for grant in in_force)


def denies(in_force: list[Record], wish: Wish) -> bool:
    """Whether some `deny` has a right that stops it."""
    return any(grant["effect"] == "deny" and wish.denied_by & set(texts(grant, "rights")) for grant in in_force)


def grants_in_force(known: Knowledge, partner_id: str, asset_id: str, at: datetime) -> list[Record]:
    """Grants at the instant; none for who is gone, none on what was deleted (docs/domain.md 8)."""
    if is_gone(known, partner_id, at) or is_deleted(known, "assets", asset_id, at):
        return []
    return [
        grant
        for grant in known.current("grants")
        if is_within(grant, "valid_from", "valid_to", at)
        and _is_for(known, grant, partner_id, at)
        and _is_on(known, grant, asset_id, at)
    ]


def entitlement_changes(known: Knowledge) -> set[datetime]:
    """Every instant at which somebody's entitlement can change (a superset is no harm)."""
    return {
        moment
        for stream, names in DATED.items()
        for record in known.current(stream)
        for moment in (instant(record, name) for name in names)
        if moment is not None
    }


def _is_for(known: Knowledge, grant: Record, partner_id: str, at: datetime) -> bool:
    """For the partner itself, or a group that it is in then; never through a parent."""
    grantee_id = str(grant["grantee_id"])
    if grant["grantee_type"] == "partner":
        return canonical_partner(known, grantee_id, at) == partner_id
    return any(
        member["group_id"] == grantee_id
        and member["partner_id"] == partner_id
        and is_within(member, "joined_at", "left_at", at)
        for member in known.current("group_members")
    )


def _is_on(known: Knowledge, grant: Record, asset_id: str, at: datetime) -> bool:
    """On the asset, a segment over it, or a package with that item."""
    object_id = str(grant["object_id"])
    if grant["object_type"] == "asset":
        return object_id == asset_id
    if grant["object_type"] == "segment":
        return object_id in segments_over(known, asset_id, at)
    if known.find("package_items", object_id, asset_id) is None:
        return False
    package = known.find("packages", object_id) or {}
    embargo_until = instant(package, "embargo_until")
    is_open = embargo_until is None or has_passed(embargo_until, at)
    return is_open or grant["effect"] == "deny"


def segments_over(known: Knowledge, asset_id: str, at: datetime) -> set[str]:
    """Segments that the asset is in then, and their ancestors; deleted ones stop."""
    found: set[str] = set()
    waiting = [
        str(row["segment_id"])
        for row in known.current("segment_assets")
        if row["asset_id"] == asset_id and is_within(row, "added_at", "removed_at", at)
    ]
    while waiting:
        segment_id = waiting.pop()
        if segment_id in found or is_deleted(known, "segments", segment_id, at):
            continue
        found.add(segment_id)
        parent_id = text(known.find("segments", segment_id) or {}, "parent_segment_id")
        if parent_id is not None:
            waiting.append(parent_id)
    return found
