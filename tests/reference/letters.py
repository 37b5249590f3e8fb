"""What is said: notices, acknowledgments, answers to notices, decisions.

Each function puts the records of one kind into a scene that casts.py and plots.py have filled.
"""

from datetime import timedelta

from tests.reference.dice import spell
from tests.reference.records import Record, instant, required_instant
from tests.reference.scenes import CHECKSUMS, Scene

NOTICE_KINDS = {"version_change": 5, "publish": 4, "withdrawal": 4, "expiry": 3, "access_rules": 1}
NOTICE_KEY: tuple[str, ...] = ("partner_id", "kind", "asset_id", "version_no")
ANSWER_DELAYS = (
    *(timedelta(days=days) for days in (0, 1, 2, 7, 8, -1, 3)),
    timedelta(microseconds=1),
    timedelta(microseconds=-1),
)


def plot_notices(scene: Scene, most: int) -> None:
    """Notices of a version, of an asset, of neither; several of one kind; some retracted."""
    dice = scene.dice
    for number in range(dice.count(1, most)):
        record = _notice(scene, number)
        scene.maybe(35, scene.at(), record, "due_at")
        scene.maybe(14, scene.at(), record, "retracted_at")
        scene.notices.append(record)
        scene.add("notices", record)
        if dice.chance(6):
            scene.add("notices", {**record, "retracted_at": scene.at()})


def _notice(scene: Scene, number: int) -> Record:
    dice = scene.dice
    notice_id = ("n", "N")[number % 2] + str(number // 2)
    if scene.notices and dice.chance(30):
        same = dice.pick(scene.notices)
        again: Record = {name: same[name] for name in NOTICE_KEY if name in same}
        return {"notice_id": notice_id, **again, "posted_at": scene.at()}
    asset_id = dice.pick(scene.assets)
    grid_id, version_no = scene.grid_asset(asset_id), scene.version_no(asset_id)
    record: Record = {
        "notice_id": notice_id,
        "partner_id": "p-unknown" if dice.chance(2) else scene.grid_partner(),
        "kind": dice.weighted(NOTICE_KINDS),
        "posted_at": scene.at(early=True if dice.chance(60) else None),
    }
    scene.maybe(95, "a-unknown" if dice.chance(2) else grid_id, record, "asset_id")
    scene.maybe(92, version_no, record, "version_no")
    return record


def plot_acknowledgments(scene: Scene, most: int) -> None:
    """Acknowledgments of every kind, many of them attested removals."""
    dice = scene.dice
    kinds = {
        "completed": 9,
        "received": 2,
        "read": 1,
        "accepted": 2,
        "declined": 1,
        "exception": 1,
        "auto": 1,
        "proxy": 1,
    }
    for number in range(dice.count(0, most)):
        asset_id = dice.pick(scene.assets)
        record: Record = {
            "ack_id": f"k{number}",
            "partner_id": scene.grid_partner(),
            "kind": dice.weighted(kinds),
            "covers_children": dice.chance(35),
            "occurred_at": scene.at(),
            "recorded_at": scene.at(),
        }
        grid_id = scene.grid_asset(asset_id)
        version_no = scene.version_no(asset_id)
        if dice.chance(40) and scene.notices:
            notice = dice.pick(scene.notices)
            record["notice_id"] = dice.pick((notice["notice_id"], "n-unknown"))
        has_asset = 70 if "notice_id" in record else 100
        scene.maybe(has_asset, grid_id, record, "asset_id")
        scene.maybe(60, version_no, record, "version_no")
        scene.maybe(40, dice.pick(CHECKSUMS), record, "content_digest")
        scene.maybe(12, scene.at(early=False), record, "revoked_at")
        scene.add("acknowledgments", record)
        if dice.chance(15):
            scene.revise("acknowledgments", record, {"revoked_at": scene.at()})


def plot_answers(scene: Scene, most: int) -> None:
    """Answers to notices: by the partner, by its parent; in time, late, early; of that version or another."""
    dice = scene.dice
    if not scene.notices:
        return
    for number in range(dice.count(1, most)):
        notice = dice.pick(scene.notices)
        asset_id = _vip_asset(scene, notice)
        record: Record = {
            "ack_id": ("q", "Q")[number % 2] + str(number // 2),
            "partner_id": notice["partner_id"],
            "kind": _answer_kind(scene, str(notice["kind"])),
            "covers_children": False,
            "occurred_at": _answered_at(scene, notice),
            "recorded_at": scene.at(),
        }
        if dice.chance(25):
            record |= {"partner_id": _parent_of(scene, notice), "covers_children": not dice.chance(10)}
        names_notice = dice.chance(50)
        if names_notice:
            record["notice_id"] = notice["notice_id"]
        if asset_id is not None:
            scene.maybe(60 if names_notice else 100, scene.grid_asset(asset_id), record, "asset_id")
            version_no = _answered_version(scene, notice, asset_id)
            scene.maybe(50 if names_notice else 90, version_no, record, "version_no")
        scene.maybe(10, scene.at(early=False), record, "revoked_at")
        scene.add("acknowledgments", record)
        if dice.chance(8):
            scene.revise("acknowledgments", record, {"revoked_at": scene.at()})


def _answer_kind(scene: Scene, notice_kind: str) -> str:
    rare = {"declined": 1, "exception": 1, "auto": 1, "proxy": 1}
    if notice_kind in {"withdrawal", "expiry"}:
        return scene.dice.weighted({"completed": 9, "accepted": 1, **rare})
    return scene.dice.weighted({"received": 4, "read": 2, "accepted": 3, "completed": 1, **rare})


def _answered_version(scene: Scene, notice: Record, asset_id: str) -> object:
    """Pick the version that was asked about, the one after it, or any."""
    asked = notice.get("version_no")
    how = scene.dice.weighted({"asked": 6, "next": 2, "any": 2})
    if how == "next" and isinstance(asked, int):
        return asked + 1
    return scene.version_no(asset_id) if how == "any" else asked


def _answered_at(scene: Scene, notice: Record) -> str:
    """Pick an instant near when it was posted or due, or any."""
    if scene.dice.chance(35):
        return scene.at()
    anchor = required_instant(notice, "posted_at")
    due_at = instant(notice, "due_at")
    if due_at is not None and scene.dice.chance(50):
        anchor = due_at
    return spell(scene.dice, anchor + scene.dice.pick(ANSWER_DELAYS))


def _vip_asset(scene: Scene, notice: Record) -> str | None:
    named = notice.get("asset_id")
    owners = [asset_id for asset_id, names in scene.grid_assets.items() if named in names]
    return scene.dice.pick(owners) if owners else None


def _parent_of(scene: Scene, notice: Record) -> object:
    """Name the partner's parent, as one of its editions says, or anybody."""
    parents = [
        record["parent_partner_id"]
        for stream, record in scene.records
        if stream == "partners"
        and record["partner_id"] == notice["partner_id"]
        and record.get("parent_partner_id") is not None
    ]
    return parents[-1] if parents else scene.grid_partner()


def plot_decisions(scene: Scene, most: int) -> None:
    """Decide: exempt a partner, for an asset or a version, for a while; other kinds change no obligation."""
    dice = scene.dice
    for number in range(dice.count(0, most)):
        asset_id = dice.pick(scene.assets)
        start = scene.moment(early=True)
        record: Record = {
            "decision_id": f"x{number}",
            "kind": dice.weighted({"exempt": 8, "snooze": 1}),
            "partner_id": scene.grid_partner(),
            "asset_id": None,
            "version_no": None,
            "valid_from": spell(dice, start),
            "valid_to": None,
        }
        if dice.chance(60):
            record["asset_id"] = asset_id
            if dice.chance(50):
                record["version_no"] = scene.version_no(asset_id)
        if dice.chance(40):
            later = [at for at in scene.instants if at > start]
            record["valid_to"] = spell(dice, later[-1]) if later else None
        scene.add("decisions", record)
