"""What partners complain of, and how the desk used to follow it up by hand."""

import math

from sandbox.dice import Dice, name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import answers, cases, hand, holding, reviews, versions
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
    pause = (18 * DAY, 60 * DAY) if world.is_handed_over else (30 * DAY, 110 * DAY)
    world.agenda.push(world.now + dice.between(*pause), "issue.find", partner, partner=partner, number=number + 1)
    shelf = world.index.shelf(partner)
    if not world.index.is_active(partner) or not shelf:
        return
    asset, category = dice.pick(shelf), dice.weighted(_CATEGORIES)
    if world.is_handed_over:
        asset, category = _what_hurts(world, dice, partner, (asset, category))
    version_no = holding.last_obtained(world, partner, asset)
    if version_no is None:
        return
    _report(world, dice, (partner, asset, version_no), category, str(number))
    if world.is_handed_over:
        _plan_more(world, dice, (partner, asset, version_no), category)


def _what_hurts(world: World, dice: Dice, partner: str, chosen: tuple[str, str]) -> tuple[str, str]:
    """Let a partner that lags behind complain of something outdated as often as not."""
    stale = [asset for asset in world.index.shelf(partner) if _is_stale(world, partner, asset)]
    return (dice.pick(stale), "outdated") if stale and dice.chance(0.35) else chosen


def _is_stale(world: World, partner: str, asset: str) -> bool:
    last, target = holding.last_obtained(world, partner, asset), versions.target(world, asset, partner)
    return last is not None and target is not None and last < target["version_no"]


def _plan_more(world: World, dice: Dice, about: tuple[str, str, int], category: str) -> None:
    """Let the same partner complain again, impatiently, and another holder of the same version too."""
    partner, asset, version_no = about
    others = [one for one in versions.holders(world, asset, version_no) if one != partner]
    for who, share in ((partner, 0.15), (dice.pick(others) if others else partner, 0.2)):
        if dice.chance(share):
            args = {"partner": who, "asset": asset, "version": version_no, "category": category}
            at = world.now + dice.between(10 * HOUR, 4 * DAY)
            world.agenda.push(at, "issue.again", f"{partner}:{who}:{asset}:{world.now}", **args)


def again(world: World, args: Record) -> None:
    """A partner complains of what was complained of already."""
    if world.index.is_active(args["partner"]):
        about = (args["partner"], args["asset"], args["version"])
        _report(world, world.dice("again", *about, world.now), about, args["category"], f"again:{world.now}")


def _report(world: World, dice: Dice, about: tuple[str, str, int], category: str, purpose: str) -> None:
    partner, asset, version_no = about
    issue_id = name("IS", world.seed, partner, purpose)
    now = world.partner_text(world.now, partner)
    record = {
        "issue_id": issue_id, "partner_id": partner,
        "asset_id": world.index.grid_id("asset", asset) if dice.chance(0.94) else None,
        "version_no": version_no if dice.chance(0.8) else None, "category": category,
        "severity": dice.weighted((("low", 3.0), ("medium", 5.0), ("high", 2.0), ("critical", 0.4))),
        "description": _description(world, dice, partner, category), "status": "reported", "duplicate_of": None,
        "created_at": now, "updated_at": now,
    }  # fmt: skip
    cases.open_case(world, ISSUES, record)
    hand.take_note(world, ("issue", issue_id), partner, 0.3)
    if world.is_handed_over:
        hand.meddle(world, ISSUES, issue_id)
    else:
        _plan(world, issue_id, "triaged", dice.between(HOUR, 30 * HOUR), asset)


def _description(world: World, dice: Dice, partner: str, category: str) -> str:
    """Let some sign what they write."""
    signature = f" ({world.index.partners[partner]['name']})" if world.is_handed_over and dice.chance(0.3) else ""
    return words.ISSUE_TEXTS[category] + signature


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


HANDLERS: dict[str, Handler] = {"issue.find": find, "issue.again": again, "issue.step": step, "issue.look": look}
