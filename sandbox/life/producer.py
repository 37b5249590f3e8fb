"""The producer's library: assets come, versions are uploaded, approved, moved, withdrawn, expire."""

from sandbox import instants
from sandbox.dice import Dice, digest
from sandbox.instants import DAY, HOUR
from sandbox.life import hand, versions
from sandbox.network import founding, library, words
from sandbox.streams import Record
from sandbox.world import Handler, World

_INTERVAL_DAYS = {
    "product_image": (150, 420), "campaign_kit": (70, 200), "price_list": (75, 130), "allergen_sheet": (120, 380),
    "safety_sheet": (150, 400), "logo": (200, 500),
}  # fmt: skip
_TRICKY_LOCALS = (
    "2025-09-07T00:00:00", "2025-09-28T02:30:00", "2025-10-05T02:15:00", "2025-10-26T02:30:00", "2025-11-02T01:30:00",
    "2026-03-08T02:30:00", "2026-03-29T02:30:00", "2026-04-05T02:30:00",
)  # fmt: skip
"""Local times that some zone skips or repeats."""


def create_asset(world: World, args: Record) -> None:
    """An asset enters the library; old ones bring a version along."""
    plan = library.plan_of(world.seed, world.scale, args["asset"])
    dice = world.dice("asset", plan.asset_id)
    is_old = plan.days_after_begin <= 0
    now = world.text(world.now)
    created = world.text(world.now + plan.days_after_begin * DAY) if is_old else now
    asset = {
        "asset_id": plan.asset_id, "sku": plan.sku, "title": plan.title, "asset_type": plan.asset_type,
        "classification": plan.classification, "brand": plan.brand.name, "product_line": plan.brand.line,
        "locale": plan.locale, "owner": dice.pick(words.DESK), "status": "published" if is_old else "draft",
        "publisher_timezone": plan.brand.timezone,
        "on_withdraw": "reinstate_previous" if plan.reinstates else "no_target", "created_at": created,
        "updated_at": now, "deleted_at": None,
    }  # fmt: skip
    world.emit("assets", asset)
    world.emit(
        "segment_assets",
        {"segment_id": plan.segment_id, "asset_id": plan.asset_id, "added_at": now, "removed_at": None},
    )
    if dice.chance(0.04):
        world.emit("xref", founding.xref("asset", plan.asset_id, f"DOC-{digest(plan.asset_id)[:6].upper()}", "manual"))
    if plan.asset_type == "logo":
        founding.grant(
            world, ("partner_group", "GRP-CH-ONLINE"), ("asset", plan.asset_id), "allow", ["view", "download"]
        )
    if is_old:
        version = _new_version(world, plan.asset_id, 1)
        _approve(world, version, world.now + plan.days_after_begin * DAY // 2, is_old=True)
    else:
        world.agenda.push(
            world.now + dice.between(HOUR, 3 * DAY), "version.upload", f"{plan.asset_id}:1", asset=plan.asset_id
        )
    if dice.chance(0.02):
        world.agenda.push(
            world.now + dice.between(120 * DAY, 300 * DAY), "asset.retire", plan.asset_id, asset=plan.asset_id
        )


def upload_version(world: World, args: Record) -> None:
    """A new file comes in, and waits for its approval; `terms` say when it is to take effect."""
    asset_id = args["asset"]
    asset = world.index.assets[asset_id]
    is_overtaken = world.index.last_version.get(asset_id, 0) != args.get(
        "after", world.index.last_version.get(asset_id, 0)
    )
    if asset["deleted_at"] is not None or asset["status"] == "archived" or is_overtaken:
        return
    number = world.index.last_version.get(asset_id, 0) + 1
    world.emit("asset_versions", _new_version(world, asset_id, number))
    waits = (HOUR, 4 * HOUR) if args.get("is_urgent") else (6 * HOUR, 4 * DAY)
    wait = world.dice("wait", asset_id, number).between(*waits)
    hand.take_note(world, ("asset", asset_id), None, 0.04 if world.is_handed_over else 0.0)
    world.agenda.push(
        world.now + wait,
        "version.decide",
        f"{asset_id}:{number}",
        asset=asset_id,
        version=number,
        review=args.get("review"),
        terms=args.get("terms"),
    )


def decide_version(world: World, args: Record) -> None:
    """Somebody approves, or does not."""
    asset_id, number = args["asset"], args["version"]
    version = world.store.get("asset_versions", asset_id, number)
    if version is None or world.index.assets[asset_id]["deleted_at"] is not None:
        return
    dice = world.dice("decide", asset_id, number)
    if dice.chance(0.05) and not args.get("review") and args.get("terms") is None:
        world.emit("asset_versions", version | {"approval_status": "rejected", "updated_at": world.text(world.now)})
        world.agenda.push(
            world.now + dice.between(2 * DAY, 9 * DAY),
            "version.upload",
            f"{asset_id}:{number + 1}",
            asset=asset_id,
            after=number,
        )
        return
    asset = world.index.assets[asset_id]
    if asset["status"] != "published":
        world.emit("assets", asset | {"status": "published", "updated_at": world.text(world.now)})
    terms = args.get("terms")
    if args.get("review") and world.is_handed_over:
        terms = _terms_of_replacement(world, version, asset)
    overlooked = _overlooked(world, asset_id, number)
    if overlooked:
        terms = {"effective_policy": "instant", "effective_local": None}
    _approve(world, version, world.now - overlooked, is_old=False, terms=terms)
    if args.get("review"):
        world.agenda.push(world.now, "review.replaced", args["review"], review=args["review"], version=number)


def _overlooked(world: World, asset_id: str, number: int) -> int:
    """So long an approval lay on somebody's desk before VIP was told; it counts from when it was given."""
    if number != 1 or not world.is_handed_over:
        return 0
    dice = world.dice("overlooked", asset_id)
    is_first = asset_id == library.novelty(world.seed, world.scale, 1).asset_id
    return dice.between(8 * DAY, 10 * DAY) if is_first or dice.chance(0.1) else 0


def _terms_of_replacement(world: World, version: Record, asset: Record) -> Record:
    """A replacement takes effect at once, or in days; some are found wrong and taken back before."""
    dice = world.dice("replacement", version["asset_id"], version["version_no"])
    if dice.chance(0.55):
        return {"effective_policy": "instant", "effective_local": None}
    begin = world.now + dice.between(4 * DAY, 7 * DAY)
    if dice.chance(0.35):
        subject = f"{version['asset_id']}:{version['version_no']}:before it took effect"
        args = {"asset": version["asset_id"], "version": version["version_no"]}
        world.agenda.push(world.now + dice.between(50 * HOUR, 84 * HOUR), "version.withdraw", subject, **args)
    day = instants.local(begin, asset["publisher_timezone"]).date()
    policy = dice.pick(("publisher_local", "partner_local"))
    return {"effective_policy": policy, "effective_local": f"{day.isoformat()}T06:00:00"}


def _approve(world: World, version: Record, approved_at: int, *, is_old: bool, terms: Record | None = None) -> None:
    asset_id, number = version["asset_id"], version["version_no"]
    dice = world.dice("approve", asset_id, number)
    asset = world.index.assets[asset_id]
    version = version | {
        "approval_status": "approved",
        "approved_by": dice.pick(words.DESK),
        "approved_at": world.text(approved_at),
        "updated_at": world.text(world.now),
    }
    if not is_old:
        version |= _effectiveness(world, asset, dice) if terms is None else terms
    if asset["asset_type"] in {"price_list", "campaign_kit"} and not is_old and dice.chance(0.3):
        term = (15 * DAY, 60 * DAY) if world.is_handed_over else (110 * DAY, 210 * DAY)
        version["expires_at"] = world.text(world.now + dice.between(*term))
    world.emit("asset_versions", version)
    _plan_its_life(world, version, dice)
    world.agenda.push(
        world.now, "version.announce", f"{asset_id}:{number}", asset=asset_id, version=number, is_old=is_old
    )


def _effectiveness(world: World, asset: Record, dice: Dice) -> Record:
    policy = dice.weighted((("instant", 5.0), ("publisher_local", 2.5), ("partner_local", 2.5)))
    today = world.text(world.now)[:10]
    tricky = [text for text in _TRICKY_LOCALS if today < text[:10] <= world.text(world.now + 30 * DAY)[:10]]
    if policy == "partner_local" and tricky and dice.chance(0.5):
        return {"effective_policy": policy, "effective_local": dice.pick(tricky)}
    if policy == "instant" and dice.chance(0.7):
        return {"effective_policy": policy, "effective_local": None}
    day = instants.local(world.now + dice.between(2 * DAY, 21 * DAY), asset["publisher_timezone"]).date()
    return {
        "effective_policy": policy,
        "effective_local": f"{day.isoformat()}T{dice.pick(('00:00', '00:00', '06:00', '09:00'))}:00",
    }


def _plan_its_life(world: World, version: Record, dice: Dice) -> None:
    asset_id, number = version["asset_id"], version["version_no"]
    subject, args = f"{asset_id}:{number}", {"asset": asset_id, "version": number}
    low, high = _INTERVAL_DAYS[world.index.assets[asset_id]["asset_type"]]
    first = dice.unit() if number == 1 else 1.0
    following = world.now + int(dice.between(low * DAY, high * DAY) * max(0.06, first))
    world.agenda.push(following, "version.upload", f"{asset_id}:{number + 1}", asset=asset_id, after=number)
    if version["effective_local"] is not None and dice.chance(0.12):
        world.agenda.push(world.now + dice.between(4 * HOUR, 40 * HOUR), "version.move", subject, **args)
    if dice.chance(0.06):
        world.agenda.push(world.now + dice.between(15 * DAY, 90 * DAY), "version.withdraw", subject, **args)
    if dice.chance(0.1):
        world.agenda.push(world.now + dice.between(HOUR, 30 * DAY), "version.touch_up", subject, **args)
    if version["expires_at"] is not None:
        world.agenda.push(instants.parse(version["expires_at"]), "version.expired", subject, **args)


def move_version(world: World, args: Record) -> None:
    """The declared date is moved while it lies ahead."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is None or version["effective_local"] is None or versions.is_over(world, version):
        return
    if instants.resolve(version["effective_local"], "UTC") < world.now + 2 * DAY:
        return
    dice = world.dice("move", args["asset"], args["version"])
    moved = instants.resolve(version["effective_local"], "UTC") + dice.pick((-1, 2, 5, 7)) * DAY
    world.emit(
        "asset_versions", version | {"effective_local": world.text(moved)[:19], "updated_at": world.text(world.now)}
    )
    world.agenda.push(world.now, "version.announce", f"{args['asset']}:{args['version']}:moved", **args, is_old=False)


def touch_up_version(world: World, args: Record) -> None:
    """Somebody mends the words around a version."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is not None:
        label = f"{version['change_summary'] or 'First edition'} (typo corrected)"
        world.emit("asset_versions", version | {"change_summary": label, "updated_at": world.text(world.now)})


def withdraw_version(world: World, args: Record) -> None:
    """A version is taken back, or its approval revoked; mostly a better one follows within days."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is None or versions.is_over(world, version):
        return
    dice = world.dice("withdraw", args["asset"], args["version"])
    change: Record = {"withdrawal_reason": dice.pick(words.WITHDRAWALS), "updated_at": world.text(world.now)}
    if dice.chance(0.2):
        change["approval_status"] = "revoked"
    if dice.chance(0.9) or "approval_status" not in change:
        change["withdrawn_at"] = world.text(world.now)
    world.emit("asset_versions", version | change)
    if dice.chance(0.85):
        world.agenda.push(
            world.now + dice.between(1 * DAY, 6 * DAY),
            "version.upload",
            f"{args['asset']}:again",
            asset=args["asset"],
            after=args["version"],
        )
    world.agenda.push(world.now, "removal.announce", f"{args['asset']}:{args['version']}", **args, kind="withdrawal")


def expire_version(world: World, args: Record) -> None:
    """A version's time is over; a successor is often there already."""
    version = world.store.get("asset_versions", args["asset"], args["version"])
    if version is None or version["withdrawn_at"] is not None:
        return
    if world.index.last_version[args["asset"]] == args["version"]:
        world.agenda.push(
            world.now + 12 * HOUR, "version.upload", f"{args['asset']}:next", asset=args["asset"], after=args["version"]
        )
    world.agenda.push(world.now, "removal.announce", f"{args['asset']}:{args['version']}", **args, kind="expiry")


def retire_asset(world: World, args: Record) -> None:
    """An asset is archived or deleted."""
    asset = world.index.assets[args["asset"]]
    now = world.text(world.now)
    is_deleted = world.dice("retire", args["asset"]).chance(0.6)
    change = {"deleted_at": now} if is_deleted else {}
    world.emit("assets", asset | {"status": "archived", "updated_at": now} | change)


def _new_version(world: World, asset_id: str, number: int) -> Record:
    plan = library.plan_of(world.seed, world.scale, asset_id)
    dice = world.dice("version", asset_id, number)
    kind = plan.asset_type
    is_metadata = number > 1 and dice.chance(0.08)
    same_as = number - 1 if is_metadata else number
    slug = "-".join(plan.title.lower().replace("(", "").replace(")", "").replace("&", "and").split()).replace(
        "---", "-"
    )
    regions = (
        dice.some(("US-CA", "DE-BY", "FR", "GB", "IN", "US", "BR", "CA"), dice.between(1, 2))
        if dice.chance(0.07)
        else []
    )
    return {
        "asset_id": asset_id,
        "version_no": number,
        "version_label": f"{world.text(world.now)[:4]}.{number}" if dice.chance(0.8) else None,
        "file_name": f"{slug}-v{number}.{words.FORMATS[kind]}",
        "format": words.FORMATS[kind],
        "size_bytes": dice.skewed(40_000, 90_000_000 if kind in {"campaign_kit", "product_image"} else 900_000),
        "checksum_sha256": digest(world.seed, "file", asset_id, same_as),
        "change_class": "metadata" if is_metadata else "content",
        "change_summary": None
        if number == 1
        else "New file name; content unchanged"
        if is_metadata
        else dice.pick(words.CHANGES[kind]),
        "replacement_instructions": None if number == 1 else words.REPLACING[kind],
        "usage_guidance": words.GUIDANCE[kind] if dice.chance(0.85) else None,
        "approval_status": "pending",
        "approved_by": None,
        "approved_at": None,
        "effective_local": None,
        "effective_policy": "instant",
        "expires_at": None,
        "withdrawn_at": None,
        "withdrawal_reason": None,
        "restricted_regions": regions,
        "updated_at": world.text(world.now),
    }


HANDLERS: dict[str, Handler] = {
    "asset.create": create_asset,
    "asset.retire": retire_asset,
    "version.upload": upload_version,
    "version.decide": decide_version,
    "version.move": move_version,
    "version.touch_up": touch_up_version,
    "version.withdraw": withdraw_version,
    "version.expired": expire_version,
}
