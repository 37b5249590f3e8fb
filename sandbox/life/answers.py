"""What partners say: acknowledgments of every kind, and comments."""

from sandbox.dice import Dice, name
from sandbox.instants import DAY, HOUR, MINUTE, SECOND
from sandbox.life import holding
from sandbox.network import words
from sandbox.streams import Record
from sandbox.world import Handler, World

_CODES = {"received": "C", "accepted": "A", "read": "R", "declined": "D", "auto": "C", "proxy": "M"}


def plan(world: World, about: tuple[str, str, int | None], kind: str, wait: int, notice: str | None = None) -> None:
    """Put an answer about (partner, asset, version) on the agenda."""
    partner, asset, number = about
    subject = f"{partner}:{asset}:{number}:{kind}:{notice}:{world.now}"
    args = {"partner": partner, "asset": asset, "version": number, "kind": kind, "notice": notice}
    world.agenda.push(world.now + wait, "answer.give", subject, **args)


def give(world: World, args: Record) -> None:
    """A partner acknowledges something, one way or another."""
    partner, asset, number, kind = args["partner"], args["asset"], args["version"], args["kind"]
    if not world.index.is_active(partner) or asset not in world.index.assets:
        return
    dice = world.dice("answer", partner, asset, number, kind, args["notice"], world.now)
    covers = kind == "completed" and bool(world.index.children[partner]) and dice.chance(0.5)
    record = _record(world, dice, args, covers_children=covers)
    world.emit("acknowledgments", record)
    if kind == "completed":
        for one in [partner, *(sorted(world.index.children[partner]) if covers else [])]:
            holding.remove_old(world, one, asset, number)
    if dice.chance(0.012):
        at = world.now + dice.between(2 * HOUR, 6 * DAY)
        world.agenda.push(at, "answer.revoke", record["ack_id"], ack=record["ack_id"])


def _record(world: World, dice: Dice, args: Record, *, covers_children: bool) -> Record:
    partner, asset, kind = args["partner"], args["asset"], args["kind"]
    version = world.store.get("asset_versions", asset, args["version"]) if args["version"] else None
    people = [user for user in world.index.users[partner] if not user.endswith("SYS")]
    systems = [user for user in world.index.users[partner] if user.endswith("SYS")]
    user = {"auto": systems[0] if systems else None, "proxy": None}.get(kind, dice.pick(people) if people else None)
    has_digest = version is not None and kind in {"received", "accepted", "auto"} and dice.chance(0.3)
    digest = version["checksum_sha256"] if version is not None and has_digest else None
    rationale = {"declined": dice.pick(words.DECLINES), "exception": dice.pick(words.EXCEPTIONS)}.get(kind)
    occurred = world.now - dice.between(0, 90 * SECOND)
    return {
        "ack_id": name("AK", world.seed, partner, asset, args["version"], kind, args["notice"], world.now),
        "partner_id": partner,
        "user_id": user,
        "asset_id": world.index.grid_id("asset", asset),
        "version_no": args["version"],
        "notice_id": args["notice"],
        "kind": kind,
        "covers_children": covers_children,
        "content_digest": digest if not dice.chance(0.02) else (digest and digest[::-1]),
        "rationale": "Confirmed by telephone; entered by the account manager." if kind == "proxy" else rationale,
        "occurred_at": world.partner_text(occurred, partner),
        "recorded_at": world.text(world.now),
        "revoked_at": None,
        "native_code": _CODES.get(kind) if dice.chance(0.5) else None,
        "updated_at": world.text(world.now),
    }


def revoke(world: World, args: Record) -> None:
    """A partner takes an answer back."""
    record = world.store.get("acknowledgments", args["ack"])
    if record is not None:
        now = world.text(world.now)
        world.emit("acknowledgments", record | {"revoked_at": now, "updated_at": now})


def remark(
    world: World, thread: tuple[str, str], partner: str | None, body: str, purpose: str, *, visibility: str = "public"
) -> None:
    """Somebody writes into a thread; few comments are edited later, fewer redacted."""
    comment_id = name("CO", world.seed, *thread, partner, purpose)
    dice = world.dice("remark", comment_id)
    people = world.index.users[partner] if partner is not None else []
    thread_id = world.index.grid_id("asset", thread[1]) if thread[0] == "asset" else thread[1]
    record = {
        "comment_id": comment_id, "external_key": None, "thread_type": thread[0], "thread_id": thread_id,
        "partner_id": partner, "user_id": people[0] if people else None, "body": body, "visibility": visibility,
        "created_at": world.text(world.now), "updated_at": world.text(world.now), "redacted_at": None,
    }  # fmt: skip
    world.emit("comments", record)
    if dice.chance(0.06):
        args = {"comment": comment_id, "redacts": dice.chance(0.25)}
        world.agenda.push(world.now + dice.between(5 * MINUTE, 2 * DAY), "comment.edit", comment_id, **args)


def edit_comment(world: World, args: Record) -> None:
    """A comment is edited, or redacted."""
    record = world.store.get("comments", args["comment"])
    if record is None:
        return
    now = world.text(world.now)
    change = {"body": "", "redacted_at": now} if args["redacts"] else {"body": record["body"] + " (edited)"}
    world.emit("comments", record | change | {"updated_at": now})


HANDLERS: dict[str, Handler] = {"answer.give": give, "answer.revoke": revoke, "comment.edit": edit_comment}
