"""The first day of the history: everything that is there then, and what is put on the agenda."""

from sandbox.instants import DAY, HOUR
from sandbox.network import library, partners, words
from sandbox.network.library import Brand
from sandbox.streams import Record
from sandbox.world import World

_BUSIER = (
    (1, "novelty.launch"),
    (1, "rights.change"),
    (3, "drift.arise"),
    (2, "membership.change"),
    (9, "partner.join"),
)
"""What begins around the start, so many days from it: new assets, partners and rights at a livelier pace."""


def found(world: World) -> None:
    """Found the network at the world's present instant."""
    brands = library.brands(world.seed, world.scale)
    _found_groups(world, brands)
    _found_segments(world, brands)
    _found_grants(world, brands)
    for partner_id in partners.partner_ids(world.scale):
        found_partner(world, partner_id, brands)
    for plan in library.asset_plans(world.seed, world.scale).values():
        at = world.now + (plan.days_after_begin * DAY if plan.days_after_begin > 0 else 0)
        world.agenda.push(
            at + world.dice("minute", plan.asset_id).between(1, 9 * HOUR),
            "asset.create",
            plan.asset_id,
            asset=plan.asset_id,
        )
    for number, kind in enumerate(("campaign.plan", "partner.change", "trespass")):
        world.agenda.push(world.now + (number + 1) * DAY, kind, "1", number=1)
    for days, kind in _BUSIER:
        world.agenda.push(max(world.now, world.start + days * DAY), kind, "1", number=1)


def _found_groups(world: World, brands: tuple[Brand, ...]) -> None:
    rows = [
        (f"GRP-CH-{channel}", f"Channel {channel.lower()}", "channel", channel.lower())
        for channel in ("ONTRADE", "OFFTRADE", "ONLINE")
    ]
    rows += [(f"GRP-REG-{cluster}", f"Partners in {cluster}", "region", cluster) for cluster in words.CLUSTERS]
    for brand in brands:
        rows.append((f"GRP-{brand.code}", f"{brand.name} partners", "brand", brand.name))
        rows.append(
            (f"GRP-{brand.code}-ACT", f"{brand.name} activation programme", "partner_program", f"{brand.code}-ACT")
        )
        rows += [
            (f"GRP-{brand.code}-{cluster}", f"{brand.name} trade, {cluster}", "region", cluster)
            for cluster in words.CLUSTERS
        ]
    for group_id, name, dimension, value in rows:
        record = {
            "group_id": group_id,
            "name": name,
            "dimension": dimension,
            "value": value,
            "updated_at": world.text(world.now),
        }
        world.emit("partner_groups", record)


def _found_segments(world: World, brands: tuple[Brand, ...]) -> None:
    rows: list[tuple[str, str, str, str, str | None]] = [("SEG-REG", "All regions", "region", "world", None)]
    rows += [(f"SEG-REG-{cluster}", f"Region {cluster}", "region", cluster, "SEG-REG") for cluster in words.CLUSTERS]
    for brand in brands:
        rows.append((f"SEG-{brand.code}", brand.name, "brand", brand.name, None))
        rows.append((f"SEG-{brand.code}-CORE", f"{brand.name} core library", "brand", brand.name, f"SEG-{brand.code}"))
        rows.append(
            (
                f"SEG-{brand.code}-KITS",
                f"{brand.name} campaign kits",
                "partner_program",
                f"{brand.code}-ACT",
                f"SEG-{brand.code}",
            )
        )
        rows += [
            (
                f"SEG-{brand.code}-{cluster}",
                f"{brand.name} commercial, {cluster}",
                "region",
                cluster,
                f"SEG-REG-{cluster}",
            )
            for cluster in words.CLUSTERS
        ]
    for segment_id, name, dimension, value, parent in rows:
        record: Record = {"segment_id": segment_id, "name": name, "dimension": dimension, "value": value}
        world.emit(
            "segments", record | {"parent_segment_id": parent, "updated_at": world.text(world.now), "deleted_at": None}
        )


def _found_grants(world: World, brands: tuple[Brand, ...]) -> None:
    full, usual = ["view", "download", "redistribute"], ["view", "download"]
    for number, brand in enumerate(brands):
        code = brand.code
        grant(world, ("partner_group", f"GRP-{code}"), ("segment", f"SEG-{code}-CORE"), "allow", full)
        grant(world, ("partner_group", f"GRP-{code}-ACT"), ("segment", f"SEG-{code}-KITS"), "allow", usual)
        grant(world, ("partner_group", "GRP-CH-ONLINE"), ("segment", f"SEG-{code}"), "allow", ["view"])
        for cluster in words.CLUSTERS:
            grant(
                world, ("partner_group", f"GRP-{code}-{cluster}"), ("segment", f"SEG-{code}-{cluster}"), "allow", usual
            )
        if number % 3 == 0:
            grant(world, ("partner_group", "GRP-CH-ONLINE"), ("segment", f"SEG-{code}-KITS"), "deny", ["download"])


def grant(world: World, grantee: tuple[str, str], thing: tuple[str, str], effect: str, rights: list[str]) -> None:
    """Write a grant down, from now on."""
    now = world.text(world.now)
    record = {
        "grant_id": f"GR-{'-'.join((grantee[1], thing[1], effect)).replace('GRP-', '').replace('SEG-', '')}",
        "grantee_type": grantee[0],
        "grantee_id": grantee[1],
        "object_type": thing[0],
        "object_id": thing[1],
        "effect": effect,
        "rights": rights,
        "usage_guidance": "Not for paid advertising." if effect == "allow" and "redistribute" in rights else None,
        "valid_from": now,
        "valid_to": None,
        "updated_at": now,
    }
    world.emit("grants", record)


def found_partner(world: World, partner_id: str, brands: tuple[Brand, ...]) -> None:
    """A partner joins, with its people, its groups and its wishes."""
    now = world.text(world.now)
    world.emit("partners", partners.partner_record(world.seed, partner_id, now))
    vip_id = partners.vip_partner_id(partner_id)
    if vip_id is not None:
        world.emit("xref", xref("partner", vip_id, partner_id, "gln"))
    for user in partners.user_records(world.seed, partner_id, now):
        world.emit("partner_users", user)
        vip_user = partners.vip_user_id(user["user_id"])
        if vip_user is not None:
            world.emit("xref", xref("user", vip_user, user["user_id"], "email"))
    carried = [brands[position] for position in partners.brand_positions(world.seed, partner_id, len(brands))]
    for group_id in partners.group_ids(world.seed, partner_id, [brand.code for brand in carried]):
        world.emit("group_members", {"group_id": group_id, "partner_id": partner_id, "joined_at": now, "left_at": None})
    dice = world.dice("wishes", partner_id)
    world.agenda.push(
        world.now + dice.between(10 * DAY, 45 * DAY), "request.wish", partner_id, partner=partner_id, number=1
    )
    world.agenda.push(
        world.now + dice.between(20 * DAY, 70 * DAY), "issue.find", partner_id, partner=partner_id, number=1
    )
    if dice.chance(0.08):
        vip_partner = world.index.vip_id("partner", partner_id)
        other = brands[dice.between(0, len(brands) - 1)]
        grant(
            world,
            ("partner", vip_partner),
            ("segment", f"SEG-{other.code}-CORE"),
            dice.pick(("allow", "deny")),
            ["view", "download"],
        )


def xref(
    entity: str, vip_id: str, grid_id: str, rule: str, valid_from: str | None = None, valid_to: str | None = None
) -> Record:
    """Write down that two ids mean the same."""
    return {
        "entity": entity,
        "vip_id": vip_id,
        "trading_grid_id": grid_id,
        "valid_from": valid_from,
        "valid_to": valid_to,
        "match_rule": rule,
        "asserted_by": "s.lindqvist" if rule != "email" else "nightly-match",
    }
