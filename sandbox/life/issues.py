"""What partners complain of, and how the desk used to follow it up by hand."""

import math

from sandbox.dice import name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, cases, holding, reviews
from sandbox.life.cases import ISSUES
from sandbox.network import words
from sandbox.streams import Record
from sandbox.world import Handler, World

_CATEGORIES = (
    ("outdated", 30.0),
    ("wrong_format", 20.0),
    ("wrong_territory", 15.0),
    ("corrupt", 12.0),
    ("missing", 10.0),
    ("other", 13.0),
)


def find(world: World, args: Record) -> None:
    """A partner finds something wrong with what it holds."""
    partner, number = args["partner"], args["number"]
    dice = world.dice("issue", partner, number)
    world.agenda.push(
        world.now + dice.between(30 * DAY, 110 * DAY), "issue.find", partner, partner=partner, number=number + 1
    )
    shelf = world.index.shelf(partner)
    if not world.index.is_active(partner) or not shelf:
        return
    asset = dice.pick(shelf)
    version_no = holding.last_obtained(world, partner, asset)
    if version_no is None:
        return
    category = dice.weighted(_CATEGORIES)
    issue_id = name("IS", world.seed, partner, number)
    now = world.partner_text(world.now, partner)
    record = {
        "issue_id": issue_id, "partner_id": partner,
        "asset_id": world.index.grid_id("asset", asset) if dice.chance(0.94) else None,
        "version_no": version_no if dice.chance(0.8) else None, "category": category,
        "severity": dice.weighted((("low", 3.0), ("medium", 5.0), ("high", 2.0), ("critical", 0.4))),
        "description": words.ISSUE_TEXTS[category], "status": "reported", "duplicate_of": None, "created_at": now,
        "updated_at": now,
    }  # fmt: skip
    cases.open_case(world, ISSUES, record)
    if not world.is_handed_over:
        _plan(world, issue_id, "triaged", dice.between(HOUR, 30 * HOUR), asset)


def _plan(world: World, issue_id: str, to: str, wait: int, asset: str) -> None:
    world.agenda.push(
        world.now + wait, "issue.step", f"{issue_id}:{to}:{world.now}", issue=issue_id, to=to, asset=asset
    )


def step(world: World, args: Record) -> None:
    """The desk moves an issue."""
    issue_id, to, asset = args["issue"], args["to"], args["asset"]
    record = world.store.get("issues", issue_id)
    if record is None or to not in cases.ISSUE_MOVES[record["status"]]:
        return
    dice = world.dice("desk", issue_id, to)
    if to == "duplicate":
        others = [
            other
            for _, other in world.store.scan("issues")
            if record["asset_id"] is not None
            and other["asset_id"] == record["asset_id"]
            and other["issue_id"] != issue_id
        ]
        record["duplicate_of"] = others[0]["issue_id"] if others else None
    cases.move_case(world, ISSUES, record, to, dice.pick(words.DESK))
    if to == "triaged":
        following = dice.weighted(
            (
                ("in_review", 65.0 / math.isqrt(world.scale)),
                ("rejected", 12.0),
                ("duplicate", 8.0),
                ("partner_notified", 15.0),
            )
        )
        _plan(world, issue_id, following, dice.between(2 * HOUR, DAY), asset)
    elif to == "in_review":
        reviews.open_review(world, (asset, record["version_no"], issue_id), record["description"], "by hand")
        _plan_look(world, issue_id, asset, DAY)
    elif to == "replacement_approved":
        _plan(world, issue_id, "replacement_published", dice.between(HOUR, 2 * DAY), asset)
    elif to == "replacement_published":
        _plan(world, issue_id, "partner_notified", dice.between(20 * MINUTE, DAY), asset)
    elif to == "rejected":
        answers.remark(world, ("issue", issue_id), None, "The file is right as it is.", "rejected")


def _plan_look(world: World, issue_id: str, asset: str, wait: int) -> None:
    world.agenda.push(world.now + wait, "issue.look", issue_id, issue=issue_id, asset=asset)


def look(world: World, args: Record) -> None:
    """The desk looks every day whether the review has come to something."""
    issue = world.store.get("issues", args["issue"])
    review = world.store.get(
        "reviews", name("RV", world.seed, args["asset"], issue and issue["version_no"], args["issue"], "by hand")
    )
    if issue is None or review is None or issue["status"] != "in_review":
        return
    outcomes = {"replacement_approved": "replacement_approved", "rejected": "rejected", "closed": "rejected"}
    outcome = outcomes.get(review["status"])
    if outcome is None:
        _plan_look(world, args["issue"], args["asset"], DAY)
    else:
        _plan(world, args["issue"], outcome, 2 * HOUR, args["asset"])


HANDLERS: dict[str, Handler] = {"issue.find": find, "issue.step": step, "issue.look": look}
