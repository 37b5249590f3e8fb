"""Where the two systems drift apart: VIP's segments here, Trading Grid's groups there, and who forgot to tell."""

from sandbox.dice import Dice
from sandbox.instants import DAY
from sandbox.network import library, partners, words
from sandbox.network.library import Brand
from sandbox.streams import Record
from sandbox.world import Handler, World

_WAYS = ("segment without group", "group renamed", "grant to nobody", "member elsewhere")


def arise(world: World, args: Record) -> None:
    """Something is done in one system only; mostly somebody does the other half in a week. One way after the other."""
    number = args["number"]
    dice = world.dice("drift", number)
    wait = dice.between(6 * DAY, 11 * DAY) // world.scale
    world.agenda.push(world.now + wait, "drift.arise", str(number + 1), number=number + 1)
    brand = dice.pick(library.brands(world.seed, world.scale))
    way = _WAYS[(number - 1) % len(_WAYS)]
    if way == "segment without group":
        _programme(world, dice, brand, number)
    elif way == "group renamed":
        _rename(world, dice, brand, number)
    elif way == "grant to nobody":
        _grant_to_nobody(world, brand, number)
    else:
        _stray_member(world, dice, number)


def _programme(world: World, dice: Dice, brand: Brand, number: int) -> None:
    """A programme gets its segment in VIP; its group in Trading Grid comes later, or never."""
    now = world.text(world.now)
    code = f"{brand.code}-P{number:02d}"
    world.emit("segments", {
        "segment_id": f"SEG-{code}", "name": f"{brand.name} tasting programme {number}",
        "dimension": "partner_program", "value": code, "parent_segment_id": f"SEG-{brand.code}", "updated_at": now,
        "deleted_at": None,
    })  # fmt: skip
    if dice.chance(0.6):
        at = world.now + dice.between(4 * DAY, 9 * DAY)
        args = {"group": f"GRP-{code}", "name": f"{brand.name} tasting programme {number}", "value": code}
        world.agenda.push(at, "drift.found_group", code, **args, dimension="partner_program")
    if dice.chance(0.5):
        at = world.now + dice.between(15 * DAY, 30 * DAY)
        world.agenda.push(at, "drift.end_segment", code, segment=f"SEG-{code}")


def found_group(world: World, args: Record) -> None:
    """Trading Grid gets the group that was missing there."""
    world.emit("partner_groups", {
        "group_id": args["group"], "name": args["name"], "dimension": args["dimension"], "value": args["value"],
        "updated_at": world.text(world.now),
    })  # fmt: skip


def end_segment(world: World, args: Record) -> None:
    """VIP's segment goes, and nobody thinks of the group."""
    segment = world.store.get("segments", args["segment"])
    if segment is not None:
        now = world.text(world.now)
        world.emit("segments", segment | {"deleted_at": now, "updated_at": now})


def _rename(world: World, dice: Dice, brand: Brand, number: int) -> None:
    """Somebody in Trading Grid gives a group another value; a week later it is found, or not."""
    group = world.store.get("partner_groups", f"GRP-{brand.code}-{dice.pick(words.CLUSTERS)}")
    if group is None:
        return
    world.emit("partner_groups", group | {"value": f"{group['value']} (new)", "updated_at": world.text(world.now)})
    if dice.chance(0.6):
        args = {name: group[name] for name in ("name", "value", "dimension")} | {"group": group["group_id"]}
        world.agenda.push(world.now + dice.between(5 * DAY, 9 * DAY), "drift.found_group", f"again:{number}", **args)


def _grant_to_nobody(world: World, brand: Brand, number: int) -> None:
    """VIP grants something to a group that Trading Grid does not have."""
    now = world.text(world.now)
    world.emit("grants", {
        "grant_id": f"GR-D{number:04d}", "grantee_type": "partner_group", "grantee_id": f"GRP-{brand.code}-CLUB",
        "object_type": "segment", "object_id": f"SEG-{brand.code}-KITS", "effect": "allow",
        "rights": ["view", "download"], "usage_guidance": None, "valid_from": now, "valid_to": None, "updated_at": now,
    })  # fmt: skip


def _stray_member(world: World, dice: Dice, number: int) -> None:
    """A partner is put into the region group of another region; later somebody takes it out again, or not."""
    partner = dice.pick(partners.partner_ids(world.scale))
    own = partners.place_of(world.seed, partner).cluster
    group = f"GRP-REG-{dice.pick([cluster for cluster in words.CLUSTERS if cluster != own])}"
    if group in world.index.groups[partner] or not world.index.is_active(partner):
        return
    now = world.text(world.now)
    world.emit("group_members", {"group_id": group, "partner_id": partner, "joined_at": now, "left_at": None})
    if dice.chance(0.6):
        at = world.now + dice.between(5 * DAY, 12 * DAY)
        world.agenda.push(at, "drift.leave", str(number), group=group, partner=partner, joined_at=now)


def leave(world: World, args: Record) -> None:
    """A partner is taken out of a group in which it has no business."""
    member = world.store.get("group_members", args["group"], args["partner"], args["joined_at"])
    if member is not None and member["left_at"] is None:
        world.emit("group_members", member | {"left_at": world.text(world.now)})


HANDLERS: dict[str, Handler] = {
    "drift.arise": arise,
    "drift.found_group": found_group,
    "drift.end_segment": end_segment,
    "drift.leave": leave,
}
