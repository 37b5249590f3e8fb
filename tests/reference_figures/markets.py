"""Busy random networks: few surprises, many partners who obtain, are told, and answer, so that figures count much.

Here belongs: what the figures need in plenty. Not here: the awkward cases (tests/reference/networks.py).
"""

from datetime import UTC, datetime, timedelta
from random import Random

from tests.reference.dice import Dice
from tests.reference.networks import Batch, Network
from tests.reference.records import Record

START = datetime(2026, 1, 28, tzinfo=UTC)
PARTNERS, ASSETS, VERSIONS = 7, 3, 3
REGIONS = ("DE", "FR", "US-CA")
CLASSIFICATIONS = ("standard", "regulated", "safety")
ANSWERS = {"received": 5, "accepted": 2, "read": 1, "declined": 1, "auto": 2, "proxy": 1, "completed": 1}


def _stamp(day: float) -> str:
    return (START + timedelta(days=day)).isoformat()


def _moment(dice: Dice) -> str:
    """Draw an instant of the sixty days: of a few hours that many share, or to the microsecond."""
    if dice.chance(30):
        return _stamp(dice.count(0, 58 * 24) / 24)
    return (START + timedelta(microseconds=dice.count(0, 58 * 86_400_000_000))).isoformat()


def market(rng: Random) -> Network:
    """Draw a busy network of two turns, sixty days of it."""
    dice = Dice(rng)
    streams: tuple[tuple[str, Record], ...] = (
        *(("partners", _partner(number, dice)) for number in range(PARTNERS)),
        *(("partner_groups", _group(number)) for number in range(2)),
        *(("group_members", _member(number, dice)) for number in range(PARTNERS)),
        *(("assets", _asset(number)) for number in range(ASSETS)),
        *(("asset_versions", _version(a, v, dice)) for a in range(ASSETS) for v in range(1, VERSIONS + 1)),
        *(("grants", _grant(number)) for number in range(PARTNERS) if number != 3),
        *_life(dice),
    )
    early: dict[str, list[Record]] = {}
    late: dict[str, list[Record]] = {}
    for stream, record in streams:
        is_late = stream in {"access_events", "acknowledgments"} and dice.chance(30)
        (late if is_late else early).setdefault(stream, []).append(record)
    nows = (START + timedelta(days=60), START + timedelta(days=61, hours=dice.count(0, 40)))
    batches = [Batch(now, records, frozenset()) for now, records in zip(nows, (early, late), strict=True)]
    return Network(batches, [])


def _partner(number: int, dice: Dice) -> Record:
    return {
        "partner_id": f"p{number}",
        "parent_partner_id": "p0" if number > PARTNERS - 3 else None,
        "name": f"Partner {number}",
        "region": dice.pick(REGIONS),
        "timezone": dice.pick(("Europe/Berlin", "America/New_York", "UTC")),
        "status": "active",
        "updated_at": _stamp(0),
    }


def _group(number: int) -> Record:
    return {"group_id": f"g{number}", "name": f"g{number}", "updated_at": _stamp(0)}


def _member(number: int, dice: Dice) -> Record:
    record: Record = {"group_id": f"g{dice.count(0, 1)}", "partner_id": f"p{number}", "joined_at": _stamp(0)}
    if dice.chance(25):
        record["left_at"] = _stamp(20)
    return record


def _asset(number: int) -> Record:
    return {
        "asset_id": f"a{number}",
        "classification": CLASSIFICATIONS[number],
        "publisher_timezone": "Europe/Berlin",
        "updated_at": _stamp(0),
    }


def _version(asset: int, number: int, dice: Dice) -> Record:
    record: Record = {
        "asset_id": f"a{asset}",
        "version_no": number,
        "checksum_sha256": f"sum{number}",
        "effective_policy": "instant",
        "approval_status": "approved",
        "approved_at": _stamp(15 * (number - 1) + dice.count(0, 5)),
        "updated_at": _stamp(0),
    }
    if dice.chance(20):
        record["restricted_regions"] = [dice.pick(("DE", "US"))]
    if dice.chance(20):
        record["withdrawn_at"] = _stamp(dice.count(20, 50))
    if dice.chance(10):
        record["expires_at"] = _stamp(dice.count(20, 50))
    return record


def _grant(number: int) -> Record:
    return {
        "grant_id": f"r{number}",
        "grantee_type": "partner",
        "grantee_id": f"p{number}",
        "object_type": "asset",
        "object_id": f"a{number % ASSETS}" if number % 2 else f"a{number // 2 % ASSETS}",
        "effect": "deny" if number == 5 else "allow",
        "rights": ["view", "download"],
        "valid_from": _stamp(-400),
        "updated_at": _stamp(0),
    }


def _life(dice: Dice) -> list[tuple[str, Record]]:
    """Who obtained what, who was told, who answered."""
    found = [("access_events", _event(number, dice)) for number in range(dice.count(60, 90))]
    found += [("deliveries", _delivery(number, dice)) for number in range(dice.count(4, 10))]
    for number in range(dice.count(15, 30)):
        notice, answers = _notice(number, dice), range(dice.weighted({0: 2, 1: 5, 2: 2}))
        found.append(("notices", notice))
        found += [("acknowledgments", _answer(f"k{number}-{answer}", notice, dice)) for answer in answers]
    return found


def _who_and_what(dice: Dice) -> Record:
    return {
        "partner_id": f"p{dice.count(0, PARTNERS - 1)}",
        "asset_id": f"a{dice.count(0, ASSETS - 1)}",
        "version_no": dice.count(1, VERSIONS),
    }


def _event(number: int, dice: Dice) -> Record:
    at = _moment(dice)
    record: Record = {
        "event_id": f"e{number}",
        "event_type": dice.weighted({"downloaded": 8, "opened": 1, "denied": 1}),
        **_who_and_what(dice),
        "vector": dice.pick(("direct", "bulk", "share_link", "embed")),
        "occurred_at": at,
        "recorded_at": at,
    }
    if dice.chance(5):
        record["version_no"] = None
    if dice.chance(5):
        record["partner_id"] = None
    return record


def _delivery(number: int, dice: Dice) -> Record:
    at = _moment(dice)
    return {
        "delivery_id": f"d{number}",
        **_who_and_what(dice),
        "channel": dice.pick(("sftp", "portal", "as2", "api")),
        "status": dice.pick(("delivered", "picked_up")),
        "status_at": at,
        "created_at": at,
        "updated_at": at,
        "checksum_sha256": dice.pick((None, "sum1")),
    }


def _notice(number: int, dice: Dice) -> Record:
    return {
        "notice_id": f"n{number}",
        **_who_and_what(dice),
        "kind": dice.weighted({"version_change": 6, "publish": 3, "withdrawal": 2}),
        "posted_at": _stamp(dice.count(0, 58 * 24) / 24),
    }


def _answer(ack_id: str, notice: Record, dice: Dice) -> Record:
    posted_at = datetime.fromisoformat(str(notice["posted_at"]))
    at = (posted_at + timedelta(hours=dice.count(-10, 24 * 12))).isoformat()
    return {
        "ack_id": ack_id,
        **{name: notice[name] for name in ("partner_id", "asset_id", "version_no")},
        "kind": dice.weighted(ANSWERS),
        "covers_children": False,
        "content_digest": dice.pick((None, "sum2")),
        "occurred_at": at,
        "recorded_at": at,
    }
