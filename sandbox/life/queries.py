"""What a partner had in mind when it asked in words, and how it answers when it is asked back."""

import re

from sandbox.dice import Dice
from sandbox.life import answers
from sandbox.network import words
from sandbox.store import encode
from sandbox.streams import Record
from sandbox.world import World

_IDS = re.compile(r"\b[A-Z]{2,5}-[0-9A-Z-]+\b")
_ASKED_BACK = "'moveRequest', 'createComment', 'postNotice'"


def remember(world: World, request_id: str, asset: str) -> None:
    """Keep in mind what a request was about; no feed tells it."""
    world.store.put("_wish", request_id, encode({"asset": asset}))


def answer(world: World, request: Record) -> None:
    """Answer the question that a request waits with: mostly by one of the assets that the desk listed."""
    listed = _listed(world, request["request_id"])
    wanted = (world.store.get("_wish", request["request_id"]) or {}).get("asset")
    dice = world.dice("answers", request["request_id"], world.now)
    body = _choice(world, dice, listed, wanted) if listed else "The usual format."
    thread = ("request", request["request_id"])
    answers.remark(world, thread, request["partner_id"], body, f"answer:{world.now}")


def _choice(world: World, dice: Dice, listed: list[str], wanted: str | None) -> str:
    way = dice.weighted((("id", 55.0), ("title", 32.0), ("none", 13.0)))
    if way == "none":
        return dice.pick(words.NONE_OF_THESE)
    asset = wanted if wanted in listed else dice.pick(listed)
    if way == "title":
        return f"{world.index.assets[asset]['title']}, please."
    return f"We mean {world.index.grid_id('asset', asset)}."


def _listed(world: World, request_id: str) -> list[str]:
    """List the assets that clients named in what they wrote about a request, by id or title."""
    rows = world.store.all(
        f"select body from received where operation in ({_ASKED_BACK})"  # noqa: S608 - three names
        " and (subject_id = ? or instr(body, ?) > 0)",
        request_id,
        request_id.encode(),
    )
    text = "\n".join(body.decode() for (body,) in rows)
    named = {world.index.vip_id("asset", found) for found in _IDS.findall(text) if world.index.is_known_to_grid(found)}
    named |= {asset for asset, record in world.index.assets.items() if record["title"] in text}
    return sorted(asset for asset in named if asset in world.index.assets)
