"""What partners have, and give up: the sandbox's own knowledge, which no feed tells directly."""

from sandbox import instants
from sandbox.life import versions
from sandbox.world import World


def obtain(world: World, partner: str, asset: str, version_no: int) -> None:
    """A partner has a version from now on."""
    kept = versions.held(world, asset, partner)
    if str(version_no) not in kept:
        versions.keep_held(world, asset, partner, kept | {str(version_no): world.now})


def remove_old(world: World, partner: str, asset: str, version_no: int | None) -> None:
    """A partner destroys its copies, but for the version that it names, unless that one is over."""
    named = None if version_no is None else world.store.get("asset_versions", asset, version_no)
    keeps = named is not None and not versions.is_over(world, named)
    kept = versions.held(world, asset, partner)
    left = {number: at for number, at in kept.items() if keeps and number == str(version_no)}
    if kept:
        versions.keep_held(world, asset, partner, left)


def has(world: World, partner: str, asset: str, version_no: int) -> bool:
    """Whether a partner has a version now."""
    return str(version_no) in versions.held(world, asset, partner)


def last_obtained(world: World, partner: str, asset: str) -> int | None:
    """Name the version that a partner fetched last."""
    kept = versions.held(world, asset, partner)
    return int(max(kept, key=lambda number: (kept[number], int(number)))) if kept else None


def working_time(world: World, partner: str, instant: int) -> int:
    """Move an instant into the working day of a partner, by hours, keeping its minutes."""
    hour = instants.local(instant, world.index.partners[partner]["timezone"]).hour
    if hour < 8:  # noqa: PLR2004 - they begin at eight
        return instant + (8 - hour) * instants.HOUR
    return instant if hour < 18 else instant + (8 + 24 - hour) * instants.HOUR  # noqa: PLR2004 - and leave at six
