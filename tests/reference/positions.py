"""Where each partner stands with each asset (docs/domain.md 6): the slow reference.

`positions` answers from everything that ever arrived, for one instant, and `RULES`
is the table of section 6, line by line. It shares nothing with the SQL.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.reference.evidence import OBTAINED, rung_for
from tests.reference.grants import is_entitled
from tests.reference.holdings import Copy, copies, held_at
from tests.reference.identities import is_deleted
from tests.reference.records import Arrival, Knowledge, Record
from tests.reference.versions import (
    Life,
    Place,
    Version,
    effective,
    lives_of,
    target_at,
    versions_of,
)

DEFAULT_GRACE: Mapping[str, timedelta] = {
    "standard": timedelta(days=7),
    "regulated": timedelta(days=2),
    "safety": timedelta(0),
}
OUTDATED = frozenset(
    {
        "stale_in_grace",
        "stale_overdue",
        "regressed",
        "withdrawn_held",
        "expired_held",
    }
)
EXPOSED = OUTDATED | {"barred_held", "unapproved_held"}
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PositionRow:
    """One row per partner and asset that is entitled or has ever obtained."""

    position: str
    position_rule: int
    target_version_no: int | None
    held_versions: tuple[int, ...]
    last_version_no: int | None
    last_obtained_at: datetime | None
    grace_until: datetime | None
    is_outdated: bool
    is_exposed: bool
    residual_old_copy: bool
    holds_withdrawn: bool
    holds_expired: bool
    holds_barred: bool
    holds_unapproved: bool
    holds_unknown: bool
    entitled: bool
    evidence_rung: int | None


@dataclass(frozen=True)
class Situation:
    """All that the rules ask about one (partner, asset) at one instant."""

    as_of: datetime
    asset: Record
    place: Place
    versions: dict[int, Version]
    target: Life | None
    is_asset_deleted: bool
    obtained: list[Copy]
    held: list[Copy]
    grace_until: datetime | None

    @property
    def held_versions(self) -> list[Version]:
        """The versions held that VIP knows."""
        numbers = {copy.version_no for copy in self.held}
        return [self.versions[no] for no in sorted(self.versions) if no in numbers]

    @property
    def newer(self) -> list[Version]:
        """Versions held that are newer than the target, by number."""
        if self.target is None:
            return []
        number = self.target.version_no
        return [held for held in self.held_versions if held.version_no > number]

    @property
    def last(self) -> Copy | None:
        """The copy still held that came last, then the highest number."""
        return max(
            self.held,
            key=lambda copy: (copy.obtained_at, copy.version_no or 0),
            default=None,
        )

    @property
    def holds_target(self) -> bool:
        """Whether a held copy is of the target."""
        target = self.target
        return target is not None and any(copy.version_no == target.version_no for copy in self.held)

    def is_withdrawn(self, version: Version) -> bool:
        """Withdrawn or revoked by `as_of`."""
        return version.is_withdrawn(self.as_of)

    def is_expired(self, version: Version) -> bool:
        """Expired by `as_of`."""
        return version.is_expired(self.as_of)

    def is_barred(self, version: Version) -> bool:
        """Barred for the partner."""
        return version.is_barred(self.place.region)

    def is_not_yet_effective(self, version: Version) -> bool:
        """Approved, nothing against it, and it takes effect later."""
        effective_at, _ = effective(version, self.asset, self.place.zone)
        is_open = not (self.is_barred(version) or self.is_withdrawn(version) or self.is_expired(version))
        return is_open and effective_at is not None and effective_at > self.as_of


def is_unapproved(version: Version) -> bool:
    """Approval `pending` or `rejected`."""
    return version.approval_status in {"pending", "rejected"}


def has_regressed(situation: Situation) -> bool:
    """Rule 13: holds the target, but fetched an older one since it took effect."""
    target, last = situation.target, situation.last
    if target is None or last is None or last.version_no is None:
        return False
    return situation.holds_target and last.obtained_at >= target.effective_at and last.version_no < target.version_no


def is_in_grace(situation: Situation) -> bool:
    """Rule 17: the grace after the target's `effective_at` has not run out."""
    return situation.grace_until is not None and situation.grace_until > situation.as_of


def _untargeted(
    test: Callable[[Situation, Version], bool],
) -> Callable[[Situation], bool]:
    """No target, and holds a version of that sort."""
    return lambda situation: (
        situation.target is None and any(test(situation, version) for version in situation.held_versions)
    )


def _newer(test: Callable[[Situation, Version], bool]) -> Callable[[Situation], bool]:
    """Say: holds a version newer than the target of that sort."""
    return lambda situation: any(test(situation, version) for version in situation.newer)


def _unapproved(_: Situation, version: Version) -> bool:
    return is_unapproved(version)


RULES: tuple[tuple[int, str, Callable[[Situation], bool]], ...] = (
    (1, "nothing_to_hold", lambda s: not s.obtained and s.target is None),
    (2, "never_held", lambda s: not s.obtained),
    (3, "cleared", lambda s: not s.held),
    (4, "unknown_version", lambda s: not s.held_versions),
    (5, "orphaned", lambda s: s.is_asset_deleted),
    (6, "withdrawn_held", _untargeted(Situation.is_withdrawn)),
    (7, "expired_held", _untargeted(Situation.is_expired)),
    (8, "unapproved_held", _untargeted(_unapproved)),
    (9, "ahead", _untargeted(Situation.is_not_yet_effective)),
    (10, "no_target", lambda s: s.target is None),
    (11, "withdrawn_held", _newer(Situation.is_withdrawn)),
    (12, "barred_held", _newer(Situation.is_barred)),
    (13, "regressed", has_regressed),
    (14, "current", lambda s: s.holds_target),
    (15, "ahead", lambda s: any(map(s.is_not_yet_effective, s.held_versions))),
    (16, "unapproved_held", _newer(_unapproved)),
    (17, "stale_in_grace", is_in_grace),
    (18, "stale_overdue", lambda _: True),
)
"""First match wins (docs/domain.md 6)."""


def positions(
    arrivals: Iterable[Arrival],
    *,
    as_of: datetime,
    as_known_at: datetime | None = None,
    policy: Mapping[str, timedelta] = DEFAULT_GRACE,
) -> dict[tuple[str, str], PositionRow]:
    """Every position at `as_of`, from what was known at `as_known_at` (None: all)."""
    known = Knowledge(arrivals, as_known_at)
    everything = [copy for copy in copies(known) if copy.obtained_at <= as_of]
    rows: dict[tuple[str, str], PositionRow] = {}
    for partner in known.current("partners"):
        for asset in known.current("assets"):
            holder = (str(partner["partner_id"]), str(asset["asset_id"]))
            obtained = [copy for copy in everything if (copy.partner_id, copy.asset_id) == holder]
            if obtained or is_entitled(known, *holder, as_of):
                situation = _situation(known, (partner, asset), obtained, as_of, policy)
                rows[holder] = _row(known, holder, situation)
    return rows


def _situation(
    known: Knowledge,
    pair: tuple[Record, Record],
    obtained: list[Copy],
    as_of: datetime,
    policy: Mapping[str, timedelta],
) -> Situation:
    partner, asset = pair
    asset_id = str(asset["asset_id"])
    place = Place(str(partner["region"]), str(partner["timezone"]))
    target = target_at(lives_of(known, asset_id, place), as_of)
    grace = policy.get(str(asset.get("classification")), policy["standard"])
    return Situation(
        as_of=as_of,
        asset=asset,
        place=place,
        versions=versions_of(known, asset_id),
        target=target,
        is_asset_deleted=is_deleted(known, "assets", asset_id, as_of),
        obtained=obtained,
        held=held_at(known, obtained, as_of),
        grace_until=None if target is None else target.effective_at + grace,
    )


def _row(known: Knowledge, holder: tuple[str, str], s: Situation) -> PositionRow:
    number, position = next((n, name) for n, name, applies in RULES if applies(s))
    held = s.held_versions
    target_no = None if s.target is None else s.target.version_no
    is_outdated = position in OUTDATED
    holds_withdrawn = any(map(s.is_withdrawn, held))
    holds_barred = any(map(s.is_barred, held))
    return PositionRow(
        position=position,
        position_rule=number,
        target_version_no=target_no,
        held_versions=tuple(version.version_no for version in held),
        last_version_no=None if s.last is None else s.last.version_no,
        last_obtained_at=None if s.last is None else s.last.obtained_at,
        grace_until=s.grace_until,
        is_outdated=is_outdated,
        is_exposed=position in EXPOSED or holds_withdrawn or holds_barred,
        residual_old_copy=position == "current"
        and any(target_no is not None and v.version_no < target_no for v in held),
        holds_withdrawn=holds_withdrawn,
        holds_expired=any(map(s.is_expired, held)),
        holds_barred=holds_barred,
        holds_unapproved=any(map(is_unapproved, held)),
        holds_unknown=any(copy.version_no is None for copy in s.held),
        entitled=is_entitled(known, *holder, s.as_of),
        evidence_rung=_evidence_rung(known, holder, s),
    )


def _evidence_rung(known: Knowledge, holder: tuple[str, str], situation: Situation) -> int | None:
    """For the target, else for the last held (docs/domain.md 12)."""
    if situation.target is not None:
        return rung_for(known, holder, situation.target.version_no, situation.as_of)
    if situation.last is None:
        return None
    if situation.last.version_no is None:
        return OBTAINED
    return rung_for(known, holder, situation.last.version_no, situation.as_of)
