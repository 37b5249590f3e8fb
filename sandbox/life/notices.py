"""Notices: those that the producer's people used to post by hand, and what partners make of any notice."""

from dataclasses import dataclass

from sandbox.dice import Dice, name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, campaigns, holding, rights, versions
from sandbox.network import partners, words
from sandbox.streams import Record
from sandbox.world import Handler, World

_REMOVALS = {"withdrawal", "expiry"}
_ABOUT_VERSIONS = {"publish", "version_change", "reminder", "escalation"}
_TOLD = {"request_update": 0.06, "issue_update": 0.08, "access_rules": 0.1, "digest": 0.08}
"""How often a partner says something to a notice that wants no answer."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A notice as its partner sees it; the asset by VIP's id."""

    notice_id: str
    partner: str
    kind: str
    asset: str | None = None
    version_no: int | None = None
    package: str | None = None
    is_ours: bool = False
    """Whether a client posted it."""


def round_by_hand(world: World, args: Record) -> None:
    """A version began: before the hand-over, the desk tells most of those whom it concerns, if it thinks of it."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is None or versions.is_over(world, version):
        return
    dice = world.dice("round", args["asset"], args["version"])
    if world.is_handed_over:
        if dice.chance(0.06):
            subject = f"{args['asset']}:{args['version']}"
            args = {"asset": args["asset"], "version": args["version"]}
            world.agenda.push(world.now + dice.between(HOUR, 3 * DAY), "hand.tell", subject, **args)
        return
    if not dice.chance(0.75):
        return
    kind = "publish" if args["version"] == 1 else "version_change"
    for partner in world.index.audience(args["asset"]):
        if dice.chance(0.85):
            _post_by_hand(world, partner, args["asset"], args["version"], kind)


def announce_removal(world: World, args: Record) -> None:
    """A version was withdrawn or expired: the desk tells most holders, while it is its job."""
    dice = world.dice("removal", args["asset"], args["version"])
    if world.is_handed_over or (args["kind"] == "expiry" and dice.chance(0.5)):
        return
    for partner in versions.holders(world, args["asset"], args["version"]):
        if world.index.is_active(partner) and dice.chance(0.92):
            _post_by_hand(world, partner, args["asset"], args["version"], args["kind"])


def _post_by_hand(world: World, partner: str, asset: str, number: int, kind: str) -> None:
    notice_id = name("NT", world.seed, partner, asset, number, kind, "by hand")
    dice = world.dice("by hand", notice_id)
    days = 2 if kind in _REMOVALS else 7
    world.emit("notices", {
        "notice_id": notice_id, "external_key": None, "partner_id": partner, "kind": kind,
        "asset_id": world.index.grid_id("asset", asset), "version_no": number, "package_id": None,
        "posted_at": world.text(world.now), "due_at": world.text(world.now + days * DAY) if dice.chance(0.6) else None,
        "retracted_at": None, "read_at": None,
    })  # fmt: skip
    arrive(world, Arrival(notice_id, partner, kind, asset, number))


def arrive(world: World, notice: Arrival) -> None:
    """A notice is with its partner, who will do something about it, or nothing."""
    notice_id, partner, kind, asset, number = (
        notice.notice_id,
        notice.partner,
        notice.kind,
        notice.asset,
        notice.version_no,
    )
    habits = partners.habits(world.seed, partner)
    dice = world.dice("reaction", notice_id)
    if habits.has_system and asset is not None and kind not in _TOLD:
        answers.plan(world, (partner, asset, number), "auto", dice.between(MINUTE, 6 * MINUTE), notice_id)
    pushes = 1.35 if kind in {"reminder", "escalation"} else 1.0
    reads = dice.chance(min(0.99, (habits.answers + 0.15) * pushes))
    reading = dice.skewed(20 * MINUTE, 2 * DAY * habits.pace)
    reading = holding.working_time(world, partner, world.now + reading) - world.now
    if reads:
        world.agenda.push(world.now + reading, "notice.read", notice_id, notice=notice_id)
    if notice.is_ours and world.dice("regret", notice_id).chance(0.008):
        world.agenda.push(world.now + dice.between(HOUR, 2 * DAY), "hand.retract", notice_id, notice=notice_id)
    if dice.chance(min(0.97, habits.answers * pushes)):
        _react(world, dice, notice, reading)


def _react(world: World, dice: Dice, notice: Arrival, reading: int) -> None:
    notice_id, partner, kind, number = notice.notice_id, notice.partner, notice.kind, notice.version_no
    asset = notice.asset
    if kind == "launch_package" and notice.package is not None:
        campaigns.receive_package(world, partner, notice.package, notice_id, reading)
    elif kind in _TOLD and dice.chance(_TOLD[kind]):
        world.agenda.push(world.now + reading, "notice.remark", notice_id, notice=notice_id, partner=partner, kind=kind)
    elif asset is not None and number is not None and (kind in _REMOVALS or _reminds_of_removal(world, notice)):
        _react_to_removal(world, dice, notice_id, (partner, asset, number), reading)
    elif asset is not None and number is not None and kind in _ABOUT_VERSIONS:
        _react_to_version(world, dice, notice_id, (partner, asset, number), reading)
    if kind == "access_rules":
        rights.hear(world, partner, notice_id)


def _reminds_of_removal(world: World, notice: Arrival) -> bool:
    """Whether a reminder is about a version that is over: whoever gets it clears its shelves."""
    version = world.store.get("asset_versions", notice.asset, notice.version_no)
    return notice.kind in {"reminder", "escalation"} and version is not None and versions.is_over(world, version)


def _react_to_removal(world: World, dice: Dice, notice_id: str, about: tuple[str, str, int], reading: int) -> None:
    partner, asset, number = about
    pace = partners.habits(world.seed, partner).pace
    way = dice.weighted((("completed", 82.0), ("received", 6.0), ("silent", 5.0), ("exception", 3.0), ("remark", 4.0)))
    wait = reading + dice.skewed(30 * MINUTE, 4 * DAY * pace)
    if way == "remark":
        world.agenda.push(world.now + wait, "notice.remark", notice_id, notice=notice_id, partner=partner)
    elif way != "silent":
        answers.plan(world, (partner, asset, None if dice.chance(0.04) else number), way, wait, notice_id)


def _react_to_version(world: World, dice: Dice, notice_id: str, about: tuple[str, str, int], reading: int) -> None:
    partner, asset, number = about
    pace = partners.habits(world.seed, partner).pace
    way = dice.weighted((
        ("received", 30.0), ("read", 18.0), ("accepted", 32.0), ("remark", 8.0), ("declined", 2.0),
        ("exception", 3.0), ("proxy", 2.5), ("fetch only", 4.5),
    ))  # fmt: skip
    wait = reading + dice.skewed(5 * MINUTE, 5 * DAY * pace)
    if way in {"received", "accepted", "read", "fetch only"} and dice.chance(0.93):
        begin = _begin(world, asset, number, partner)
        subject = f"{partner}:{asset}:{notice_id}"
        world.agenda.push(
            max(world.now + max(reading, wait - 20 * MINUTE), begin),
            "asset.fetch",
            subject,
            partner=partner,
            asset=asset,
        )
    if way == "remark":
        world.agenda.push(world.now + wait, "notice.remark", notice_id, notice=notice_id, partner=partner)
    elif way != "fetch only":
        named = dice.weighted(((number, 92.0), (max(1, number - 1), 3.0), (number + 1, 1.0), (None, 4.0)))
        last = world.index.last_version.get(asset, number)
        answers.plan(world, (partner, asset, named if named is None else min(named, last)), way, wait, notice_id)
        if dice.chance(0.03):
            answers.plan(world, (partner, asset, number), way, wait + dice.between(HOUR, 3 * DAY), notice_id)


def _begin(world: World, asset: str, number: int, partner: str) -> int:
    version = world.store.get("asset_versions", asset, number)
    if version is None or version["approved_at"] is None:
        return world.now
    return versions.effective_at(world, version, partner) + 5 * MINUTE


def read(world: World, args: Record) -> None:
    """Somebody opens a notice."""
    record = world.store.get("notices", args["notice"])
    if record is not None and record["read_at"] is None and record["retracted_at"] is None:
        world.emit("notices", record | {"read_at": world.partner_text(world.now, record["partner_id"])})


def remark(world: World, args: Record) -> None:
    """Somebody comments on a notice, and takes that for an answer."""
    if world.index.is_active(args["partner"]):
        asks = words.ASKS_ABOUT_RIGHTS if args.get("kind") == "access_rules" else words.COMMENTS
        body = world.dice("words", args["notice"]).pick(asks)
        answers.remark(world, ("notice", args["notice"]), args["partner"], body, "notice")


HANDLERS: dict[str, Handler] = {
    "notice.round": round_by_hand,
    "removal.announce": announce_removal,
    "notice.read": read,
    "notice.remark": remark,
}
