"""What upsets a launch: an edition made for it, an item that changes or joins late, a stop on the last day."""

from sandbox.dice import Dice
from sandbox.instants import DAY, HOUR
from sandbox.streams import Record
from sandbox.world import Handler, World

_AT_ONCE = {"effective_policy": "instant", "effective_local": None}


def plan_upsets(world: World, campaign: Record, package: str, launch: int) -> None:
    """Put on the agenda what is to happen to a campaign that has been planned and packed."""
    dice = world.dice("upsets", campaign["campaign_id"])
    items = world.index.packages[package]
    if not items:
        return
    if dice.chance(0.65):
        terms = {"effective_policy": "partner_local", "effective_local": campaign["launch_local"]}
        _edition(world, items[0], launch - dice.between(8 * DAY, 11 * DAY), package, terms)
    if dice.chance(0.45):
        _edition(world, items[-1], launch - dice.between(20 * HOUR, 3 * DAY), package, _AT_ONCE)
    if dice.chance(0.3):
        _plan_late_item(world, dice, package, items, launch)


def _edition(world: World, asset: str, at: int, package: str, terms: Record) -> None:
    args = {"asset": asset, "is_urgent": True, "terms": terms}
    world.agenda.push(max(world.now + HOUR, at), "version.upload", f"{asset}:{package}:{terms}", **args)


def _plan_late_item(world: World, dice: Dice, package: str, items: list[str], launch: int) -> None:
    brand = world.index.assets[items[0]]["brand"]
    others = [
        asset
        for asset, record in world.index.assets.items()
        if record["brand"] == brand and asset not in items and asset in world.index.last_version
    ]
    if others:
        args = {"package": package, "asset": dice.pick(sorted(others)), "sequence": len(items) + 1}
        world.agenda.push(launch - dice.between(4 * DAY, 7 * DAY), "campaign.add_item", package, **args)


def add_item(world: World, args: Record) -> None:
    """One more item is required, days before the launch."""
    item = {"package_id": args["package"], "asset_id": args["asset"], "required": True, "sequence": args["sequence"]}
    world.emit("package_items", item)


HANDLERS: dict[str, Handler] = {"campaign.add_item": add_item}
