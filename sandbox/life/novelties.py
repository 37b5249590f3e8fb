"""What nobody had planned: assets that enter the library, partners that join the network."""

from sandbox.instants import DAY, HOUR
from sandbox.network import founding, library, partners
from sandbox.streams import Record
from sandbox.world import Handler, World


def launch(world: World, args: Record) -> None:
    """An asset enters the library; the next one follows in days."""
    number = args["number"]
    dice = world.dice("novelty", number)
    wait = dice.between(2 * DAY, 6 * DAY) // world.scale
    world.agenda.push(world.now + wait, "novelty.launch", str(number + 1), number=number + 1)
    asset = library.novelty(world.seed, world.scale, number).asset_id
    world.agenda.push(world.now, "asset.create", asset, asset=asset)


def join(world: World, args: Record) -> None:
    """A partner joins, and gets a part of what it may have; the next one follows in weeks."""
    number = args["number"]
    dice = world.dice("join", number)
    wait = dice.between(14 * DAY, 24 * DAY) // world.scale
    world.agenda.push(world.now + wait, "partner.join", str(number + 1), number=number + 1)
    partner = partners.newcomer_id(number)
    founding.found_partner(world, partner, library.brands(world.seed, world.scale))
    for asset in world.index.shelf(partner):
        if dice.chance(0.5):
            at = world.now + dice.between(HOUR, 15 * DAY)
            world.agenda.push(at, "asset.fetch", f"{partner}:{asset}:joined", partner=partner, asset=asset)


HANDLERS: dict[str, Handler] = {"novelty.launch": launch, "partner.join": join}
