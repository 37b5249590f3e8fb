"""What partners may do, as VIP has it: granted, widened, narrowed, refused, ended, and now and then never used."""

from sandbox.dice import Dice
from sandbox.instants import DAY, HOUR
from sandbox.life import versions
from sandbox.network import library, partners
from sandbox.streams import Record
from sandbox.world import Handler, World

_WAYS = (("grant", 34.0), ("rights", 18.0), ("guidance", 12.0), ("end", 16.0), ("deny", 8.0), ("lend", 12.0))
_CONDITIONS = ("Not for paid advertising.", "Only in print.", "Until the end of the season.", "No price comparison.")
_AS_MUCH_AS_THEY_LIKE = 6


def change(world: World, args: Record) -> None:
    """Somebody's rights change in one way; the next change follows in days."""
    number = args["number"]
    dice = world.dice("rights", number)
    wait = dice.between(DAY, 4 * DAY) // world.scale
    world.agenda.push(world.now + wait, "rights.change", str(number + 1), number=number + 1)
    way = dice.weighted(_WAYS)
    if way in {"grant", "lend", "deny"}:
        _grant(world, dice, number, way)
        return
    grants = [grant for grant in world.index.grants_in_force() if _is_open_to_change(grant)]
    if grants:
        _edit(world, dice, dice.pick(grants), way)


def _is_open_to_change(grant: Record) -> bool:
    """Whether a change of it concerns a few partners, not most of the network."""
    is_wide = grant["grantee_type"] == "partner_group" and str(grant["object_id"]).endswith("-CORE")
    return grant["effect"] == "allow" and not is_wide


def _grant(world: World, dice: Dice, number: int, way: str) -> None:
    """Grant something to a partner or a group, for good or for weeks; or deny it."""
    brand = dice.pick(library.brands(world.seed, world.scale))
    partner = dice.pick(partners.partner_ids(world.scale))
    to_group = dice.chance(0.35)
    grantee = f"GRP-{brand.code}-ACT" if to_group else world.index.vip_id("partner", partner)
    asset = dice.pick(sorted(world.index.assets))
    on_asset = way == "deny" or dice.chance(0.4)
    ends = {"lend": dice.between(12 * DAY, 35 * DAY), "deny": dice.between(20 * DAY, 60 * DAY)}.get(way)
    now = world.text(world.now)
    record = {
        "grant_id": f"GR-S{number:04d}", "grantee_type": "partner_group" if to_group else "partner",
        "grantee_id": grantee, "object_type": "asset" if on_asset else "segment",
        "object_id": asset if on_asset else f"SEG-{brand.code}-{dice.pick(('CORE', 'KITS'))}",
        "effect": "deny" if way == "deny" else "allow",
        "rights": ["download"] if way == "deny" else ["view", "download", *(["redistribute"] * dice.chance(0.3))],
        "usage_guidance": dice.pick((None, *_CONDITIONS)), "valid_from": now,
        "valid_to": None if ends is None else world.text(world.now + ends), "updated_at": now,
    }  # fmt: skip
    world.emit("grants", record)
    if ends is not None:
        world.agenda.push(world.now + ends, "rights.ended", str(number), grant=record["grant_id"])


def _edit(world: World, dice: Dice, grant: Record, way: str) -> None:
    now = world.text(world.now)
    if way == "end":
        change: Record = {"valid_to": now}
    elif way == "guidance":
        change = {"usage_guidance": dice.pick(_CONDITIONS)}
    else:
        has_it = "redistribute" in grant["rights"]
        change = {"rights": ["view", "download"] if has_it else ["view", "download", "redistribute"]}
    world.emit("grants", grant | change | {"updated_at": now})


def ended(world: World, args: Record) -> None:
    """A grant has come to its end, and says so."""
    grant = world.store.get("grants", args["grant"])
    if grant is not None:
        world.emit("grants", grant | {"updated_at": world.text(world.now)})


def hear(world: World, partner: str, cause: str) -> None:
    """A partner hears what it may do: it fetches some of what it did not know of."""
    if not world.index.is_active(partner):
        return
    dice = world.dice("hear", partner, cause)
    unknown = [asset for asset in world.index.shelf(partner) if not versions.held(world, asset, partner)]
    for asset in dice.some(unknown, dice.between(0, _AS_MUCH_AS_THEY_LIKE)):
        at = world.now + dice.between(2 * HOUR, 8 * DAY)
        world.agenda.push(at, "asset.fetch", f"{partner}:{asset}:heard:{cause}", partner=partner, asset=asset)


HANDLERS: dict[str, Handler] = {"rights.change": change, "rights.ended": ended}
