"""What the producer's people still do by hand while their tool has the desk: asides, and unexpected moves."""

from sandbox.dice import name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, cases, versions
from sandbox.life.cases import ISSUES, REQUESTS, CaseKind
from sandbox.network import partners, words
from sandbox.streams import Record
from sandbox.world import Handler, World

_OF_A_REQUEST = (("", 86.0), ("denied", 6.0), ("accepted", 4.0), ("cancelled", 2.0), ("delivered", 2.0))
_OF_AN_ISSUE = (("", 84.0), ("triaged", 6.0), ("rejected", 8.0), ("partner_notified", 2.0))


def take_note(world: World, thread: tuple[str, str], about: str | None, share: float) -> None:
    """Perhaps write an aside that no partner may ever see: it names another one."""
    dice = world.dice("aside", *thread)
    if not dice.chance(share):
        return
    other = dice.pick([one for one in partners.partner_ids(world.scale) if one != about])
    body = dice.pick(words.ASIDES).format(other=world.index.partners[other]["name"], id=other)
    args = {"kind": thread[0], "thread": thread[1], "body": body}
    world.agenda.push(world.now + dice.between(MINUTE, 20 * HOUR), "hand.note", f"{thread[0]}:{thread[1]}", **args)


def note(world: World, args: Record) -> None:
    """Somebody of the producer writes an aside."""
    answers.remark(world, (args["kind"], args["thread"]), None, args["body"], "aside", visibility="internal")


def meddle(world: World, kind: CaseKind, case_id: str) -> None:
    """Perhaps somebody moves a new case by hand, sooner or later."""
    dice = world.dice("meddle", case_id)
    to = dice.weighted(_OF_A_REQUEST if kind is REQUESTS else _OF_AN_ISSUE)
    if to:
        args = {"stream": kind.stream, "case": case_id, "to": to}
        world.agenda.push(world.now + dice.between(3 * HOUR, 4 * DAY), "hand.move", f"{case_id}:{to}", **args)


def move(world: World, args: Record) -> None:
    """Somebody of the producer moves a case, where its state allows it; a denial is said in a comment."""
    kind = REQUESTS if args["stream"] == "requests" else ISSUES
    record = world.store.get(kind.stream, args["case"])
    if record is None or args["to"] not in kind.moves[record["status"]]:
        return
    dice = world.dice("hand", args["case"])
    cases.move_case(world, kind, record, args["to"], dice.pick(words.DESK))
    if args["to"] in {"denied", "rejected"}:
        thread = (kind.stream.removesuffix("s"), args["case"])
        answers.remark(world, thread, None, dice.pick(words.DENIALS_BY_HAND), "by hand")


def retract(world: World, args: Record) -> None:
    """Somebody of the producer takes a notice back that the tool posted."""
    record = world.store.get("notices", args["notice"])
    if record is not None and record["retracted_at"] is None:
        world.emit("notices", record | {"retracted_at": world.text(world.now)})


def tell(world: World, args: Record) -> None:
    """Somebody of the producer posts a notice about a new version to a partner that just happened to ask."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    audience = world.index.audience(args["asset"])
    if version is None or not audience or versions.is_over(world, version):
        return
    partner = world.dice("tell", args["asset"], args["version"]).pick(audience)
    kind = "publish" if args["version"] == 1 else "version_change"
    world.emit("notices", {
        "notice_id": name("NT", world.seed, partner, args["asset"], args["version"], kind, "by hand"),
        "external_key": None, "partner_id": partner, "kind": kind,
        "asset_id": world.index.grid_id("asset", args["asset"]), "version_no": args["version"], "package_id": None,
        "posted_at": world.text(world.now), "due_at": None, "retracted_at": None, "read_at": None,
    })  # fmt: skip


HANDLERS: dict[str, Handler] = {"hand.note": note, "hand.move": move, "hand.retract": retract, "hand.tell": tell}
