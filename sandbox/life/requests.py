"""What partners ask for, and how the desk used to answer by hand."""

from sandbox.dice import name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, cases, deliveries, hand, queries, versions
from sandbox.life.cases import ISSUES, REQUESTS
from sandbox.life.deliveries import Parcel
from sandbox.network import library, partners, words
from sandbox.streams import Record
from sandbox.world import Handler, World

_WAYS = (("id", 55.0), ("sku", 20.0), ("title", 17.0), ("vague", 8.0))
_WAYS_NOW = (("id", 48.0), ("sku", 18.0), ("title", 18.0), ("vague", 16.0))


def wish(world: World, args: Record) -> None:
    """A partner asks for an asset: by its id, by its number, or in words."""
    partner, number = args["partner"], args["number"]
    dice = world.dice("wish", partner, number)
    world.agenda.push(
        world.now + dice.between(20 * DAY, 70 * DAY), "request.wish", partner, partner=partner, number=number + 1
    )
    if not world.index.is_active(partner):
        return
    shelf = world.index.shelf(partner)
    others = list(library.asset_plans(world.seed, world.scale)) if dice.chance(0.12) or not shelf else shelf
    asset = world.index.assets.get(dice.pick(others))
    if asset is None:
        return
    way = dice.weighted(_WAYS_NOW if world.is_handed_over else _WAYS)
    query = {
        "sku": asset["sku"] or asset["title"],
        "title": f"current {asset['title']}",
        "vague": f"{asset['brand']} {asset['asset_type'].replace('_', ' ')}",
    }
    request_id = name("RQ", world.seed, partner, number)
    now = world.partner_text(world.now, partner)
    region = world.index.partners[partner]["region"]
    soonest = 12 * HOUR if world.is_handed_over else 3 * DAY
    needed = world.partner_text(world.now + dice.between(soonest, 30 * DAY), partner)
    record = {
        "request_id": request_id, "partner_id": partner, "requester_id": dice.pick(world.index.users[partner]),
        "asset_id": world.index.grid_id("asset", asset["asset_id"]) if way == "id" else None,
        "asset_query": query.get(way), "purpose": dice.pick(words.PURPOSES),
        "territory": region if dice.chance(0.7) else None,
        "needed_by": needed if dice.chance(0.6) else None,
        "status": "new", "created_at": now, "updated_at": now,
    }  # fmt: skip
    cases.open_case(world, REQUESTS, record)
    queries.remember(world, request_id, asset["asset_id"])
    hand.take_note(world, ("request", request_id), partner, 0.25)
    if world.is_handed_over:
        hand.meddle(world, REQUESTS, request_id)
    if dice.chance(0.07 if world.is_handed_over else 0.03):
        _plan(world, request_id, "cancelled", dice.between(2 * HOUR, 2 * DAY), asset["asset_id"])
    elif not world.is_handed_over:
        _plan(world, request_id, "accepted", dice.between(30 * MINUTE, 20 * HOUR), asset["asset_id"])


def _plan(world: World, request_id: str, to: str, wait: int, asset: str) -> None:
    world.agenda.push(world.now + wait, "request.step", f"{request_id}:{to}", request=request_id, to=to, asset=asset)


def step(world: World, args: Record) -> None:
    """The desk (or the partner that cancels) moves a request."""
    record = world.store.get("requests", args["request"])
    if record is None or args["to"] not in cases.REQUEST_MOVES[record["status"]]:
        return
    dice = world.dice("desk", args["request"], args["to"])
    partner, asset, to = record["partner_id"], args["asset"], args["to"]
    actor = "partner" if to == "cancelled" else dice.pick(words.DESK)
    version = versions.target(world, asset, partner)
    if to == "in_progress" and (version is None or not world.index.may_download(partner, asset)):
        cases.move_case(world, REQUESTS, record, "denied", actor)
        answers.remark(world, ("request", args["request"]), None, words.DENIALS[1 if version is None else 0], "denied")
        return
    cases.move_case(world, REQUESTS, record, to, actor)
    if to == "accepted":
        _plan(world, args["request"], "in_progress", dice.between(10 * MINUTE, 10 * HOUR), asset)
    elif to == "in_progress" and version is not None:
        _fulfil(world, record, asset, version["version_no"])


def _fulfil(world: World, record: Record, asset: str, version_no: int) -> None:
    dice = world.dice("fulfil", record["request_id"])
    partner = record["partner_id"]
    if dice.chance(0.15):
        _plan(world, record["request_id"], "waiting_partner", dice.between(MINUTE, HOUR), asset)
        answers.remark(world, ("request", record["request_id"]), None, "Which format do you need?", "question")
    channel = partners.habits(world.seed, partner).channel
    parcel = Parcel(partner, asset, version_no, channel, request_id=record["request_id"])
    deliveries.send(world, parcel, record["request_id"])
    _plan(world, record["request_id"], "delivered", dice.between(9 * HOUR, 3 * DAY + 8 * HOUR), asset)


def answer(world: World, args: Record) -> None:
    """A partner confirms, reopens, or tells what it was asked."""
    kind = REQUESTS if args["stream"] == "requests" else ISSUES
    record = world.store.get(kind.stream, args["case"])
    if record is None or record["status"] != args["since"]:
        return
    if kind is REQUESTS and args["since"] == "waiting_partner" and args["to"] == "in_progress":
        queries.answer(world, record)
    cases.move_case(world, kind, record, args["to"], "partner")
    if args["to"] == "reopened":
        dice = world.dice("why", args["case"], world.now)
        body = dice.pick(words.ASKS_AGAIN if args["since"] in {"denied", "rejected"} else words.NOT_WHAT_WE_NEED)
        thread = (kind.stream.removesuffix("s"), args["case"])
        answers.remark(world, thread, record["partner_id"], body, f"reopened:{world.now}")
    elif args["to"] == "confirmed" and kind is REQUESTS and not world.is_handed_over:
        wait = world.dice("close", args["case"]).between(DAY, 4 * DAY)
        world.agenda.push(world.now + wait, "request.close", args["case"], request=args["case"])


def close(world: World, args: Record) -> None:
    """The desk closes what was confirmed."""
    record = world.store.get("requests", args["request"])
    if record is not None and record["status"] == "confirmed":
        cases.move_case(world, REQUESTS, record, "closed", world.dice("closes", args["request"]).pick(words.DESK))


HANDLERS: dict[str, Handler] = {
    "request.wish": wish,
    "request.step": step,
    "request.close": close,
    "case.answer": answer,
}
