"""Reviews in VIP: the owners of an asset look into a complaint, and mostly bring a better version."""

from sandbox.dice import name
from sandbox.instants import DAY, HOUR
from sandbox.streams import Record
from sandbox.world import Handler, World

MOVES: dict[str, frozenset[str]] = {
    "open": frozenset({"in_progress", "replacement_approved", "rejected", "closed"}),
    "in_progress": frozenset({"replacement_approved", "rejected", "closed"}),
    "replacement_approved": frozenset({"closed"}),
    "rejected": frozenset({"closed"}),
    "closed": frozenset(),
}
_NO = (
    "The file is right; the partner looked at an old one.",
    "Works as intended.",
    "No budget for a new edition this quarter.",
)


def open_review(
    world: World,
    about: tuple[str, int | None, str | None],
    reason: str | None,
    purpose: str,
    *,
    is_prompt: bool = False,
) -> bytes:
    """Open a review about an asset, a version, an issue; the owners take it up within a day or so."""
    asset, number, issue_id = about
    review_id = name("RV", world.seed, asset, number, issue_id, purpose)
    now = world.text(world.now)
    record = {
        "review_id": review_id, "asset_id": asset, "version_no": number, "issue_id": issue_id, "status": "open",
        "replacement_version_no": None, "reason": reason, "opened_at": now, "updated_at": now,
    }  # fmt: skip
    body = world.emit("reviews", record, is_prompt=is_prompt)
    dice = world.dice("review", review_id)
    world.agenda.push(
        world.now + dice.between(2 * HOUR, 26 * HOUR),
        "review.step",
        f"{review_id}:in_progress",
        review=review_id,
        to="in_progress",
    )
    outcome = "rejected" if dice.chance(0.15) else "replaced"
    if world.is_handed_over and dice.chance(0.08):
        outcome = "closed"
    at = world.now + dice.between(30 * HOUR, 5 * DAY)
    world.agenda.push(at, "review.step", f"{review_id}:{outcome}", review=review_id, to=outcome)
    return body


def step(world: World, args: Record) -> None:
    """The owners move a review on, or order a new version."""
    record = world.store.get("reviews", args["review"])
    if record is None:
        return
    if args["to"] == "replaced":
        if record["status"] in {"open", "in_progress"}:
            world.agenda.push(
                world.now,
                "version.upload",
                f"{record['asset_id']}:{args['review']}",
                asset=record["asset_id"],
                review=args["review"],
            )
        return
    reason = world.dice("no", args["review"]).pick(_NO) if args["to"] == "rejected" else record["reason"]
    move_review(world, record, {"status": args["to"], "reason": reason})


def replaced(world: World, args: Record) -> None:
    """The new version that a review asked for is approved."""
    record = world.store.get("reviews", args["review"])
    if record is not None:
        move_review(world, record, {"status": "replacement_approved", "replacement_version_no": args["version"]})


def move_review(world: World, record: Record, change: Record, *, is_prompt: bool = False) -> bytes | None:
    """Write a move down, and give the review as served; None where its state does not allow it."""
    if change["status"] not in MOVES[record["status"]]:
        return None
    if change["status"] in {"replacement_approved", "rejected"}:
        at = world.now + world.dice("end", record["review_id"]).between(5 * DAY, 12 * DAY)
        world.agenda.push(at, "review.step", f"{record['review_id']}:closed", review=record["review_id"], to="closed")
    return world.emit("reviews", record | change | {"updated_at": world.text(world.now)}, is_prompt=is_prompt)


HANDLERS: dict[str, Handler] = {"review.step": step, "review.replaced": replaced}
