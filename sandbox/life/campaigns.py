"""Launches: planned, packed, tasks done or not, launched, closed."""

from sandbox import instants
from sandbox.dice import Dice, name
from sandbox.instants import DAY, HOUR
from sandbox.life import answers, hand, upsets, versions
from sandbox.network import library, partners, words
from sandbox.network.library import Brand
from sandbox.streams import Record
from sandbox.world import Handler, World

_LEAD_DAYS = (26, 58)
_LEAD_DAYS_NOW = (9, 17)
_OPEN_DAYS = (35, 60)
_OPEN_DAYS_NOW = (8, 20)
_LAUNCH_WORKS = {"campaign_kit", "product_image", "logo"}


def plan(world: World, args: Record) -> None:
    """A campaign is planned for a brand, with its package and partners; the next one follows in weeks."""
    number = args["number"]
    dice = world.dice("campaign", number)
    pause = (3 * DAY, 6 * DAY) if world.is_handed_over else (18 * DAY, 34 * DAY)
    world.agenda.push(
        world.now + dice.between(*pause) // world.scale, "campaign.plan", str(number + 1), number=number + 1
    )
    brand = dice.pick(library.brands(world.seed, world.scale))
    campaign_id, package_id = f"CM-{number:05d}", f"PK-{number:05d}"
    lead = _LEAD_DAYS_NOW if world.is_handed_over else _LEAD_DAYS
    launch = world.now + dice.between(*lead) * DAY
    policy = dice.weighted((("partner_local", 6.0), ("publisher_local", 3.0), ("instant", 1.0)))
    day = instants.local(launch, brand.timezone).date()
    campaign = {
        "campaign_id": campaign_id, "name": f"{brand.name} {dice.pick(words.CAMPAIGNS)} {day.year}",
        "brand": brand.name, "launch_local": f"{day.isoformat()}T{dice.pick(('00:00', '08:00', '10:00'))}:00",
        "launch_policy": policy, "launch_timezone": brand.timezone if policy == "publisher_local" else None,
        "status": "planning", "gate_percent": dice.pick((80, 90, 95)), "required_rung": dice.pick((4, 4, 5)),
        "owner": dice.pick(words.DESK), "updated_at": world.text(world.now),
    }  # fmt: skip
    world.emit("campaigns", campaign)
    hand.take_note(world, ("campaign", campaign_id), None, 0.6)
    _pack(world, dice, brand, (campaign_id, package_id), launch)
    _invite(world, dice, brand, (campaign_id, package_id), launch)
    is_cancelled = dice.chance(0.1)
    course = (("cancelled", world.now + 12 * DAY),) if is_cancelled else _course(dice, launch, _OPEN_DAYS)
    if world.is_handed_over:
        upsets.plan_upsets(world, campaign, package_id, launch)
        course = (("cancelled", launch - 2 * DAY),) if number % 3 == 1 else _course(dice, launch, _OPEN_DAYS_NOW)
    for status, at in course:
        world.agenda.push(at, "campaign.move", f"{campaign_id}:{status}", campaign=campaign_id, to=status)


def _course(dice: Dice, launch: int, open_days: tuple[int, int]) -> tuple[tuple[str, int], ...]:
    return (
        ("ready", launch - dice.between(1, 4) * DAY),
        ("launched", launch),
        ("closed", launch + dice.between(*open_days) * DAY),
    )


def _pack(world: World, dice: Dice, brand: Brand, ids: tuple[str, str], launch: int) -> None:
    campaign_id, package_id = ids
    embargo = world.text(launch - 14 * DAY) if dice.chance(0.4) else None
    label = f"Launch package {campaign_id}"
    record = {
        "package_id": package_id,
        "campaign_id": campaign_id,
        "name": label,
        "embargo_until": embargo,
        "updated_at": world.text(world.now),
    }
    world.emit("packages", record)
    own = [
        plan.asset_id for plan in library.asset_plans(world.seed, world.scale).values() if plan.brand.code == brand.code
    ]
    kits = [asset for asset in own if world.index.assets.get(asset, {}).get("asset_type") in _LAUNCH_WORKS]
    live = [asset for asset in kits if asset in world.index.last_version]
    for position, asset in enumerate(dice.some(live, dice.between(3, 5)), start=1):
        item = {
            "package_id": package_id,
            "asset_id": asset,
            "required": position == 1 or dice.chance(0.8),
            "sequence": position,
        }
        world.emit("package_items", item)


def _invite(world: World, dice: Dice, brand: Brand, ids: tuple[str, str], launch: int) -> None:
    campaign_id, package_id = ids
    members = [one for one in sorted(world.index.members[f"GRP-{brand.code}"]) if world.index.is_active(one)]
    now = world.text(world.now)
    for partner in dice.some(members, dice.between(10, 22)):
        world.emit(
            "campaign_partners", {"campaign_id": campaign_id, "partner_id": partner, "required": dice.chance(0.85)}
        )
        world.emit("grants", {
            "grant_id": f"GR-{package_id}-{partner}", "grantee_type": "partner",
            "grantee_id": world.index.vip_id("partner", partner), "object_type": "package", "object_id": package_id,
            "effect": "allow", "rights": ["view", "download"], "usage_guidance": "Not before the launch.",
            "valid_from": now, "valid_to": world.text(launch + 60 * DAY), "updated_at": now,
        })  # fmt: skip
        for kind, days in (("readiness", 5), ("confirmation", 2)):
            _open_task(world, campaign_id, partner, kind, launch - days * DAY)
    _open_task(world, campaign_id, None, "approval", launch - 10 * DAY)


def _open_task(world: World, campaign_id: str, partner: str | None, kind: str, due: int) -> None:
    task_id = f"TK-{campaign_id.removeprefix('CM-')}-{partner or 'DESK'}-{kind[:4]}"
    world.emit("campaign_tasks", {
        "task_id": task_id, "campaign_id": campaign_id, "partner_id": partner, "kind": kind, "status": "open",
        "due_at": world.text(due), "completed_at": None, "updated_at": world.text(world.now),
    })  # fmt: skip
    dice = world.dice("task", task_id)
    diligence = 0.9 if partner is None else min(0.95, partners.habits(world.seed, partner).answers)
    if kind == "confirmation" and world.is_handed_over:
        diligence /= 5
    if dice.chance(diligence):
        status = dice.weighted((("done", 92.0), ("blocked", 5.0), ("waived", 3.0)))
        at = due - dice.skewed(-DAY, 14 * DAY)
        world.agenda.push(max(world.now + HOUR, at), "campaign.task", task_id, task=task_id, to=status)
        if status == "blocked" and partner is None:
            later = max(world.now + HOUR, at) + dice.between(DAY, 4 * DAY)
            world.agenda.push(later, "campaign.task", f"{task_id}:unblocked", task=task_id, to="done")


def move(world: World, args: Record) -> None:
    """A campaign goes on."""
    record = world.store.get("campaigns", args["campaign"])
    if record is not None and record["status"] not in {"cancelled", "closed"}:
        world.emit("campaigns", record | {"status": args["to"], "updated_at": world.text(world.now)})


def do_task(world: World, args: Record) -> None:
    """A task is done, blocked or waived."""
    record = world.store.get("campaign_tasks", args["task"])
    if record is None or record["status"] not in {"open", "blocked"} or record["status"] == args["to"]:
        return
    campaign = world.store.get("campaigns", record["campaign_id"])
    if campaign is None or campaign["status"] == "cancelled":
        return
    set_task(world, record, args["to"])
    if record["kind"] == "readiness" and record["partner_id"] is not None and args["to"] == "done":
        _fetch_items(world, record["partner_id"], "PK-" + record["campaign_id"].removeprefix("CM-"), HOUR)


def set_task(world: World, record: Record, status: str, *, is_prompt: bool = False) -> bytes:
    """Write the status of a task down."""
    now = world.text(world.now)
    done = now if status == "done" else None
    return world.emit(
        "campaign_tasks", record | {"status": status, "completed_at": done, "updated_at": now}, is_prompt=is_prompt
    )


def receive_package(world: World, partner: str, package: str, notice_id: str, reading: int) -> None:
    """A launch package has arrived: its items are fetched, their receipt confirmed."""
    _fetch_items(world, partner, package, reading)
    dice = world.dice("package", notice_id)
    for asset in world.index.packages[package]:
        number = versions.newest_approved(world, asset)
        if number is not None and dice.chance(0.9):
            answers.plan(
                world, (partner, asset, number), "received", reading + dice.between(HOUR, 20 * HOUR), notice_id
            )
    task = f"TK-{package.removeprefix('PK-')}-{partner}-conf"
    world.agenda.push(
        world.now + reading + dice.between(HOUR, DAY),
        "campaign.task",
        f"{task}:{name('N', notice_id)}",
        task=task,
        to="done",
    )


def _fetch_items(world: World, partner: str, package: str, wait: int) -> None:
    """Fetch what the package holds: the editions for the launch, where they are approved already."""
    for position, asset in enumerate(world.index.packages[package]):
        at = world.now + wait + position * 3 * instants.MINUTE
        args = {"partner": partner, "asset": asset, "is_granted": True}
        if world.is_handed_over and (number := versions.newest_approved(world, asset)) is not None:
            args["version"] = number
        world.agenda.push(at, "asset.fetch", f"{partner}:{asset}:{package}", **args)


HANDLERS: dict[str, Handler] = {"campaign.plan": plan, "campaign.move": move, "campaign.task": do_task}
