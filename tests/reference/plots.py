"""What happens: grants, deliveries, access.

Each function puts the records of one kind into a scene that casts.py has filled.
What is said about it is in letters.py.
"""

from tests.reference.dice import spell
from tests.reference.records import Record
from tests.reference.scenes import CHECKSUMS, Scene


def plot_grants(scene: Scene, most: int) -> None:
    """Mostly wide allows, some denies, some on packages; some that nobody has."""
    dice = scene.dice
    rights: dict[tuple[str, ...], int] = {
        ("view", "download"): 6,
        ("download",): 3,
        ("view",): 2,
        ("redistribute",): 1,
    }
    for number in range(dice.count(1, most)):
        kind = dice.pick(("partner", "partner_group")) if scene.groups else "partner"
        grantee = scene.vip_partner() if kind == "partner" else dice.pick(scene.groups)
        on = dice.weighted({"asset": 5, "segment": 4, "package": 2})
        objects = {
            "asset": scene.assets,
            "segment": scene.segments,
            "package": scene.packages or ("k-unknown",),
        }
        chosen = dice.weighted(rights)
        record: Record = {
            "grant_id": f"r{number}",
            "grantee_type": kind,
            "grantee_id": grantee,
            "object_type": on,
            "object_id": dice.pick(objects[on]),
            "effect": dice.weighted({"allow": 85, "deny": 15}),
            "rights": list(chosen),
            "valid_from": scene.at(early=True),
            "updated_at": scene.at(),
        }
        scene.maybe(25, scene.at(early=False), record, "valid_to")
        scene.add("grants", record)
        if dice.chance(12):
            scene.revise("grants", record, {"valid_to": scene.at()})


def plot_deliveries(scene: Scene, most: int) -> None:
    """Deliveries over every channel, with histories of their editions."""
    dice = scene.dice
    statuses = {
        "delivered": 50,
        "picked_up": 15,
        "queued": 10,
        "in_progress": 8,
        "failed": 7,
        "cancelled": 5,
        "expired": 5,
    }
    channels = {"sftp": 3, "as2": 2, "api": 2, "portal": 3, "email_link": 2}
    for number in range(dice.count(1, most)):
        asset_id = scene.any_asset()
        record: Record = {
            "delivery_id": ("d", "D")[number % 2] + str(number // 2),
            "partner_id": scene.vip_partner(),
            "asset_id": asset_id,
            "version_no": scene.version_no(asset_id),
            "channel": dice.weighted(channels),
            "status": dice.weighted(statuses),
            "status_at": scene.at(),
            "created_at": scene.at(early=True),
            "updated_at": scene.at(),
        }
        scene.maybe(50, dice.pick(CHECKSUMS), record, "checksum_sha256")
        scene.deliveries.append(record)
        scene.add("deliveries", record)
        for _ in range(dice.weighted({0: 5, 1: 3, 2: 2})):
            changes: Record = {
                "status": dice.weighted(statuses),
                "status_at": scene.at(),
            }
            if dice.chance(5):
                changes["version_no"] = scene.version_no(asset_id)
            scene.revise("deliveries", record, changes)


def plot_access(scene: Scene, most: int) -> None:
    """Access events: partner, version, user, delivery present or missing."""
    dice = scene.dice
    types = {"downloaded": 12, "previewed": 2, "opened": 2, "denied": 2}
    for number in range(dice.count(2, most)):
        asset_id = scene.any_asset()
        record: Record = {
            "event_id": ("e", "E")[number % 2] + str(number // 2),
            "event_type": dice.weighted(types),
            "asset_id": asset_id,
            "vector": dice.pick(("direct", "bulk", "share_link", "embed")),
            "occurred_at": scene.at(),
            "recorded_at": scene.at(),
        }
        if dice.chance(35) and scene.deliveries:
            delivery = dice.pick(scene.deliveries)
            record["delivery_id"] = dice.pick((delivery["delivery_id"], "d-unknown"))
            record["asset_id"] = asset_id = str(delivery["asset_id"])
        scene.maybe(75, scene.vip_partner(), record, "partner_id")
        users = (*scene.vip_users, "u-unknown")
        scene.maybe(40, dice.pick(users), record, "user_id")
        numbers = scene.version_no(asset_id)
        scene.maybe(85, numbers, record, "version_no")
        if scene.events and dice.chance(10):
            record["supersedes_event_id"] = dice.pick(scene.events)
            record["correction_reason"] = "wrong version"
        scene.events.append(str(record["event_id"]))
        scene.add("access_events", record)
        if dice.chance(12):
            changes: Record = {
                "event_type": dice.weighted(types),
                "version_no": scene.version_no(asset_id),
                "occurred_at": scene.at(),
            }
            scene.revise("access_events", record, changes, "recorded_at")


def plot_relapse(scene: Scene) -> None:
    """Let a partner fetch every version in turn, and the first one once more."""
    dice = scene.dice
    if not dice.chance(30):
        return
    asset_id = dice.pick(scene.assets)
    partner_id = scene.vip_partner()
    count = scene.version_count[asset_id]
    moments = [scene.moment() for _ in range(count)]
    moments = [*sorted(moments), scene.instants[-1]]
    for version_no, at in zip([*range(1, count + 1), 1], moments, strict=True):
        record: Record = {
            "event_id": f"x{version_no}-{at:%Y%m%dT%H%M%S%f}",
            "event_type": "downloaded",
            "partner_id": partner_id,
            "asset_id": asset_id,
            "version_no": version_no,
            "vector": "direct",
            "occurred_at": spell(dice, at),
            "recorded_at": spell(dice, at),
        }
        scene.add("access_events", record)
