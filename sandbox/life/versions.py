"""What is true of versions: when they live, for whom, and what a partner should have."""

from sandbox import instants
from sandbox.streams import Record
from sandbox.world import World


def versions_of(world: World, asset: str) -> list[Record]:
    """Give all versions of an asset, in the order of their numbers."""
    found = world.index.versions[asset]
    return [found[number] for number in sorted(found)]


def effective_at(world: World, version: Record, partner: str) -> int:
    """Tell when an approved version begins for a partner, its approval and its declared date considered."""
    approved = instants.parse(version["approved_at"])
    if version["effective_local"] is None:
        return approved
    policy = version["effective_policy"]
    zone = "UTC"
    if policy == "publisher_local":
        zone = world.index.assets[version["asset_id"]]["publisher_timezone"]
    elif policy == "partner_local":
        zone = world.index.partners[partner]["timezone"]
    return max(approved, instants.resolve(version["effective_local"], zone))


def is_barred(world: World, version: Record, partner: str) -> bool:
    """Whether a version may not be used where the partner is."""
    region = world.index.partners[partner]["region"]
    return any(region == bar or region.startswith(bar + "-") for bar in version["restricted_regions"])


def is_over(world: World, version: Record) -> bool:
    """Whether a version is withdrawn or expired by now."""
    ends = (version["withdrawn_at"], version["expires_at"])
    return version["approval_status"] != "approved" or any(
        end is not None and instants.parse(end) <= world.now for end in ends
    )


def newest_approved(world: World, asset: str) -> int | None:
    """Name the last version that is approved and not over, whether it lives already or not."""
    return max((one["version_no"] for one in versions_of(world, asset) if not is_over(world, one)), default=None)


def target(world: World, asset: str, partner: str) -> Record | None:
    """Give the version that a partner should have now, as far as the partner can see."""
    begun = [
        (effective_at(world, version, partner), version["version_no"], version)
        for version in versions_of(world, asset)
        if version["approval_status"] in {"approved", "revoked"}
        and version["approved_at"] is not None
        and not is_barred(world, version, partner)
    ]
    begun = sorted((row for row in begun if row[0] <= world.now), key=lambda row: row[:2])
    if not begun:
        return None
    last = begun[-1][2]
    if not is_over(world, last):
        return last
    if world.index.assets[asset]["on_withdraw"] == "reinstate_previous" and last["withdrawn_at"] is not None:
        return next((version for _, _, version in reversed(begun) if not is_over(world, version)), None)
    return None


def held(world: World, asset: str, partner: str) -> dict[str, int]:
    """Tell which versions a partner has, and since when."""
    return world.store.get("_held", asset, partner) or {}


def keep_held(world: World, asset: str, partner: str, versions: dict[str, int]) -> None:
    """Write down which versions a partner has."""
    world.store.put("_held", f"{asset}|{partner}", _encoded(versions))


def holders(world: World, asset: str, version_no: int) -> list[str]:
    """List the partners that have a version."""
    return [key.partition("|")[2] for key, kept in world.store.scan("_held", f"{asset}|") if str(version_no) in kept]


def _encoded(versions: dict[str, int]) -> bytes:
    return ("{" + ",".join(f'"{number}":{at}' for number, at in sorted(versions.items())) + "}").encode()
