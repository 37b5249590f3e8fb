"""Who looked at a version or fetched it, as VIP's recorder has it: sometimes late, incomplete, or wrong at first."""

from sandbox.dice import Dice, name
from sandbox.instants import DAY, HOUR, MINUTE, SECOND
from sandbox.store import encode
from sandbox.streams import Record
from sandbox.world import Handler, World

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) Safari/618.1", "vip-sync/4.2",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/144.0",
)  # fmt: skip


def record_access(  # noqa: PLR0913 - what an access is
    world: World,
    partner: str,
    asset: str,
    version_no: int,
    event_type: str,
    *,
    vector: str = "direct",
    delivery_id: str | None = None,
) -> None:
    """Write down that a partner did something with a version just now."""
    dice = world.dice("access", partner, asset, version_no, event_type, world.now)
    event = _event(world, dice, (partner, asset, version_no), event_type, vector)
    event["delivery_id"] = delivery_id
    _blur(dice, event)
    lag = dice.skewed(2 * HOUR, 3 * DAY) if dice.chance(0.02) else 0
    _write(world, event, world.now + lag)
    _mend(world, dice, event, world.now + lag)


def _event(world: World, dice: Dice, what: tuple[str, str, int], event_type: str, vector: str) -> Record:
    partner, asset, version_no = what
    users = [user for user in world.index.users[partner] if not user.endswith("SYS")]
    user = dice.pick(users) if users else None
    occurred = world.now - dice.between(2 * SECOND, 90 * SECOND)
    return {
        "event_id": name("AE", world.seed, partner, asset, version_no, event_type, world.now),
        "event_type": event_type,
        "partner_id": world.index.vip_id("partner", partner),
        "user_id": None if user is None else world.index.vip_id("user", user),
        "asset_id": asset,
        "version_no": version_no,
        "delivery_id": None,
        "vector": vector,
        "occurred_at": world.text(occurred),
        "recorded_at": world.text(world.now),
        "client_ip": f"203.0.113.{dice.between(1, 254)}" if dice.chance(0.9) else None,
        "user_agent": dice.pick(_AGENTS) if dice.chance(0.9) else None,
        "bytes": dice.skewed(40_000, 90_000_000) if event_type == "downloaded" else None,
        "supersedes_event_id": None,
        "correction_reason": None,
    }


def _blur(dice: Dice, event: Record) -> None:
    """Leave out what recorders leave out: partner, user, version, now and then all of it."""
    way = dice.unit()
    if way < 0.04:  # noqa: PLR2004 - shares of the whole
        event["partner_id"] = None
    elif way < 0.065:  # noqa: PLR2004
        event["user_id"] = None
    elif way < 0.075:  # noqa: PLR2004
        event["partner_id"] = event["user_id"] = None
    elif way < 0.085:  # noqa: PLR2004
        event["version_no"] = None
    elif way < 0.0865:  # noqa: PLR2004
        event["version_no"] = (event["version_no"] or 0) + 40
    elif way < 0.088 and event["vector"] == "direct":  # noqa: PLR2004
        event["partner_id"] = f"V-{dice.between(900_000, 900_009)}"


def _mend(world: World, dice: Dice, event: Record, recorded: int) -> None:
    """Correct one in a hundred afterwards, half of them by an event of its own, half in place."""
    if not dice.chance(0.01):
        return
    later = recorded + dice.between(3 * HOUR, 4 * DAY)
    change: Record = {
        "recorded_at": world.text(later),
        "correction_reason": dice.pick(("Wrong version logged", "Clock of the edge node")),
    }
    if change["correction_reason"] == "Wrong version logged" and (event["version_no"] or 0) > 1:
        change["version_no"] = event["version_no"] - 1
    else:
        change["bytes"] = (event["bytes"] or 0) + 512
    if dice.chance(0.5):
        change |= {"event_id": f"{event['event_id']}-C", "supersedes_event_id": event["event_id"]}
    _write(world, event | change, later)


def _write(world: World, event: Record, recorded: int) -> None:
    begin, end = world.outage(recorded)
    if begin <= recorded < end:
        recorded = end + world.dice("after the outage", event["event_id"], recorded).between(SECOND, 40 * MINUTE)
    event = event | {"recorded_at": world.text(recorded)}
    if recorded <= world.now:
        world.emit("access_events", event)
    else:
        body = encode(event).decode()
        world.agenda.push(
            recorded, "feed.item", f"access:{event['event_id']}:{recorded}", stream="access_events", body=body
        )


HANDLERS: dict[str, Handler] = {}
