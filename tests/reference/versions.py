"""Versions, their lives, and the target (docs/domain.md 4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tests.reference.records import (
    Arrival,
    Key,
    Knowledge,
    Record,
    first_that_says,
    has_passed,
    instant,
    local_time,
    required_instant,
    text,
    texts,
)

END_REASONS = ("withdrawn", "expired", "superseded")
"""At equal instants the earlier one of these is the reason (rule 4)."""


@dataclass(frozen=True)
class Version:
    """One version as VIP describes it now."""

    asset_id: str
    version_no: int
    approval_status: str
    approved_at: datetime | None
    effective_local: datetime | None
    effective_policy: str
    withdrawn_at: datetime | None
    expires_at: datetime | None
    restricted_regions: tuple[str, ...]
    checksum_sha256: str | None

    def is_withdrawn(self, at: datetime) -> bool:
        """Whether its withdrawal or revocation has passed, whatever the approval."""
        return has_passed(self.withdrawn_at, at)

    def is_expired(self, at: datetime) -> bool:
        """Whether its expiry has passed, whatever the approval."""
        return has_passed(self.expires_at, at)

    def is_barred(self, region: str) -> bool:
        """Whether it never lives in the region (rule 3)."""
        return any(region == barred or region.startswith(barred + "-") for barred in self.restricted_regions)


@dataclass(frozen=True)
class Place:
    """What lives depend on besides the asset: the partner's region and zone."""

    region: str
    zone: str


UNBARRED = ""
"""A region that no `restricted_regions` bars: lives without rule 3."""


@dataclass(frozen=True, order=True)
class Life:
    """One stretch in which a version is the target at a place."""

    region: str
    zone: str
    asset_id: str
    version_no: int
    effective_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    is_reinstated: bool
    resolution_flag: str | None

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies in `[effective_at, ended_at)`."""
        return self.effective_at <= at and not has_passed(self.ended_at, at)


def versions_of(known: Knowledge, asset_id: str) -> dict[int, Version]:
    """All versions of an asset that VIP knows, by number."""
    found: dict[int, Version] = {}
    for key in known.histories("asset_versions"):
        if key[0] == asset_id:
            version = _version(known, key)
            found[version.version_no] = version
    return found


def _version(known: Knowledge, key: Key) -> Version:
    history = known.history("asset_versions", *key)
    record = history[-1].record
    withdrawn_at = instant(record, "withdrawn_at")
    if record["approval_status"] == "revoked" and withdrawn_at is None:
        # Rule 1: else at the `updated_at` of the first edition that says so.
        first = first_that_says(history, "approval_status", "revoked") or record
        withdrawn_at = required_instant(first, "updated_at")
    return Version(
        asset_id=str(key[0]),
        version_no=int(str(key[1])),
        approval_status=str(record["approval_status"]),
        approved_at=instant(record, "approved_at"),
        effective_local=local_time(record, "effective_local"),
        effective_policy=str(record["effective_policy"]),
        withdrawn_at=withdrawn_at,
        expires_at=instant(record, "expires_at"),
        restricted_regions=tuple(texts(record, "restricted_regions")),
        checksum_sha256=text(record, "checksum_sha256"),
    )


def resolve_local(local: datetime, zone: str) -> tuple[datetime, str | None]:
    """Resolve a local time as RFC 5545 3.3.5 says, and flag a clock change (rule 2)."""
    first = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
    if before is None or after is None or before == after:
        return first.astimezone(UTC), None
    return first.astimezone(UTC), "skipped" if before < after else "repeated"


def effective(version: Version, asset: Record, zone: str) -> tuple[datetime | None, str | None]:
    """When it takes effect, by rule 2, and the flag; None without an approval."""
    if version.approved_at is None or version.approval_status not in {
        "approved",
        "revoked",
    }:
        return None, None
    if version.effective_local is None:
        return version.approved_at, None
    zones = {
        "instant": "UTC",
        "publisher_local": str(asset["publisher_timezone"]),
        "partner_local": zone,
    }
    resolved_at, flag = resolve_local(version.effective_local, zones[version.effective_policy])
    return max(resolved_at, version.approved_at), flag


def lives_of(known: Knowledge, asset_id: str, place: Place) -> list[Life]:
    """Every life of the asset's versions at a place, reinstated ones included."""
    asset = known.find("assets", asset_id)
    if asset is None:
        return []
    versions = versions_of(known, asset_id)
    first_lives = _first_lives(versions, asset, place)
    reinstated: list[Life] = []
    if asset.get("on_withdraw") == "reinstate_previous":
        for index, life in enumerate(first_lives):
            if life.end_reason == "withdrawn":
                following = first_lives[index + 1 : index + 2]
                next_at = following[0].effective_at if following else None
                earlier = [versions[past.version_no] for past in first_lives[:index]]
                reinstated += _reinstated(life, earlier, next_at)
    return sorted(first_lives + reinstated, key=lambda life: life.effective_at)


def _first_lives(versions: dict[int, Version], asset: Record, place: Place) -> list[Life]:
    """Rules 1 to 5: lives in the order (effective_at, version_no)."""
    candidates: list[tuple[datetime, int, str | None]] = []
    for version in versions.values():
        starts_at, flag = effective(version, asset, place.zone)
        if starts_at is None or version.is_barred(place.region):
            continue
        if version.is_withdrawn(starts_at) or version.is_expired(starts_at):
            continue
        candidates.append((starts_at, version.version_no, flag))
    candidates.sort(key=lambda candidate: candidate[:2])
    lives: list[Life] = []
    for index, (starts_at, version_no, flag) in enumerate(candidates):
        following = candidates[index + 1 : index + 2]
        next_at = following[0][0] if following else None
        if next_at == starts_at:
            continue
        version = versions[version_no]
        ended_at, reason = _end(version, next_at)
        lives.append(
            Life(
                place.region,
                place.zone,
                version.asset_id,
                version_no,
                starts_at,
                ended_at,
                reason,
                is_reinstated=False,
                resolution_flag=flag,
            )
        )
    return lives


def _end(version: Version, next_at: datetime | None) -> tuple[datetime | None, str | None]:
    """Rule 4: the earliest end, and its reason."""
    moments = (version.withdrawn_at, version.expires_at, next_at)
    ended_at = min((moment for moment in moments if moment is not None), default=None)
    if ended_at is None:
        return None, None
    return ended_at, END_REASONS[moments.index(ended_at)]


def _reinstated(withdrawn: Life, earlier: list[Version], next_at: datetime | None) -> list[Life]:
    """Rule 6: who is the target from the withdrawal until the next version begins."""
    stretches: list[Life] = []
    since = withdrawn.ended_at
    for version in reversed(earlier):
        if since is None or has_passed(next_at, since):
            break
        if version.is_withdrawn(since) or version.is_expired(since):
            continue
        ended_at, reason = _end(version, next_at)
        stretches.append(
            Life(
                withdrawn.region,
                withdrawn.zone,
                version.asset_id,
                version.version_no,
                since,
                ended_at,
                reason,
                is_reinstated=True,
                resolution_flag=None,
            )
        )
        since = ended_at
    return stretches


def target_at(lives: list[Life], at: datetime) -> Life | None:
    """Return the one life that holds at the instant; there may be none."""
    living = [life for life in lives if life.holds(at)]
    if len(living) > 1:
        message = f"two targets at {at}: {living}"
        raise AssertionError(message)
    return living[0] if living else None


def version_lives(arrivals: Iterable[Arrival], *, as_known_at: datetime | None = None) -> list[Life]:
    """Every life, for each (region, zone) of the partners that we know."""
    known = Knowledge(arrivals, as_known_at)
    places = {Place(str(partner["region"]), str(partner["timezone"])) for partner in known.current("partners")}
    return sorted(
        (
            life
            for asset in known.current("assets")
            for place in places
            for life in lives_of(known, str(asset["asset_id"]), place)
        ),
        key=lambda life: (
            life.region,
            life.zone,
            life.asset_id,
            life.effective_at,
            life.version_no,
        ),
    )
