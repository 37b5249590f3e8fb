"""What becomes of partners: they join groups and leave them, are suspended, leave, merge, move, change their logins."""

from sandbox.dice import Dice
from sandbox.instants import DAY, HOUR
from sandbox.network import founding, library, partners
from sandbox.streams import Record
from sandbox.world import Handler, World

_KINDS = (
    ("group", 34.0),
    ("login", 24.0),
    ("tier", 14.0),
    ("suspend", 10.0),
    ("leave", 6.0),
    ("merge", 4.0),
    ("zone", 4.0),
    ("name", 4.0),
)


def change(world: World, args: Record) -> None:
    """One partner changes in one way; the next one follows in days."""
    number = args["number"]
    dice = world.dice("change", number)
    world.agenda.push(
        world.now + dice.between(2 * DAY, 9 * DAY) // world.scale, "partner.change", str(number + 1), number=number + 1
    )
    partner = dice.pick(partners.partner_ids(world.scale))
    if not world.index.is_active(partner):
        return
    kind = dice.weighted(_KINDS)
    record = world.index.partners[partner]
    edits: dict[str, Record] = {
        "tier": {"tier": dice.pick(("gold", "silver", "bronze"))},
        "zone": {
            "timezone": dice.pick(("Europe/Berlin", "America/Denver", "Atlantic/Canary"))
            if dice.chance(0.3)
            else record["timezone"]
        },
        "name": {"name": record["name"].split(",")[0] + " Group"},
        "suspend": {"status": "suspended"},
        "leave": {"status": "left", "left_at": world.text(world.now) if dice.chance(0.8) else None},
    }
    if kind in edits:
        _edit(world, partner, edits[kind])
    elif kind == "group":
        _switch_group(world, dice, partner)
    elif kind == "login":
        _rename_login(world, dice, partner)
    elif kind == "merge":
        _merge(world, dice, partner)
    if kind == "suspend":
        world.agenda.push(world.now + dice.between(15 * DAY, 90 * DAY), "partner.resume", partner, partner=partner)


def resume(world: World, args: Record) -> None:
    """A suspended partner is active again."""
    if world.index.partners[args["partner"]]["status"] == "suspended":
        _edit(world, args["partner"], {"status": "active"})


def _edit(world: World, partner: str, edit: Record) -> None:
    world.emit("partners", world.index.partners[partner] | edit | {"updated_at": world.text(world.now)})


def _switch_group(world: World, dice: Dice, partner: str) -> None:
    now = world.text(world.now)
    brand = dice.pick(library.brands(world.seed, world.scale))
    group = f"GRP-{brand.code}-ACT" if dice.chance(0.5) else f"GRP-{brand.code}"
    if group in world.index.groups[partner]:
        prefix = f"{group}|{partner}|"
        for _, member in world.store.scan("group_members", prefix):
            if member["left_at"] is None:
                world.emit("group_members", member | {"left_at": now})
        return
    before = set(world.index.shelf(partner))
    world.emit("group_members", {"group_id": group, "partner_id": partner, "joined_at": now, "left_at": None})
    for asset in world.index.shelf(partner):
        if asset not in before and dice.chance(0.85):
            at = world.now + dice.between(HOUR, 12 * DAY)
            world.agenda.push(at, "asset.fetch", f"{partner}:{asset}:joined", partner=partner, asset=asset)


def _rename_login(world: World, dice: Dice, partner: str) -> None:
    user = world.store.get("partner_users", dice.pick(world.index.users[partner]))
    if user is not None:
        world.emit("partner_users", user | {"login_id": user["login_id"] + ".new", "updated_at": world.text(world.now)})


def _merge(world: World, dice: Dice, partner: str) -> None:
    """A partner becomes part of another in Trading Grid; VIP goes on writing its old id."""
    other = dice.pick(partners.partner_ids(world.scale))
    if (
        other == partner
        or not world.index.is_active(other)
        or partner in {record["parent_partner_id"] for record in world.index.partners.values()}
    ):
        return
    vip_id, now = world.index.vip_id("partner", partner), world.text(world.now)
    if vip_id != partner:
        world.emit("xref", founding.xref("partner", vip_id, partner, "gln", None, now))
    world.emit("xref", founding.xref("partner", vip_id, other, "merged", now))
    _edit(world, partner, {"deleted_at": now})


def switch(world: World, args: Record) -> None:
    """One partner joins a group or leaves one; the next one follows in days."""
    number = args["number"]
    dice = world.dice("switch", number)
    wait = dice.between(2 * DAY, 5 * DAY) // world.scale
    world.agenda.push(world.now + wait, "membership.change", str(number + 1), number=number + 1)
    partner = dice.pick(partners.partner_ids(world.scale))
    if world.index.is_active(partner):
        _switch_group(world, dice, partner)


HANDLERS: dict[str, Handler] = {"membership.change": switch, "partner.change": change, "partner.resume": resume}
