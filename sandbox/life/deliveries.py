"""Deliveries on their way: queued, in progress, delivered, picked up; some fail, some are tried again."""

from dataclasses import dataclass

from sandbox.dice import name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.life import holding
from sandbox.life.access import record_access
from sandbox.store import encode
from sandbox.streams import Record
from sandbox.world import Handler, World

_ERRORS = {
    "sftp": ("SFTP-AUTH", "Public key refused by the partner's server"),
    "as2": ("AS2-MDN", "No disposition notification within four hours"),
    "api": ("API-507", "The partner's endpoint has no storage left"),
    "email_link": ("MAIL-550", "Mailbox not available"),
    "portal": ("PORTAL-410", "The workspace was removed"),
}


_AT_ONCE = {"effective_policy": "instant", "effective_local": None}


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be delivered; the partner by Trading Grid's id."""

    partner: str
    asset: str
    version_no: int
    channel: str
    request_id: str | None = None
    package_id: str | None = None
    external_key: str | None = None
    expires_at: int | None = None


def send(world: World, parcel: Parcel, purpose: str, *, vip_id: str | None = None, is_prompt: bool = False) -> bytes:
    """Queue a delivery, and give its record as served."""
    version = world.store.get("asset_versions", parcel.asset, parcel.version_no) or {}
    delivery_id = name("DL", world.seed, parcel.partner, parcel.asset, parcel.version_no, purpose)
    now = world.text(world.now)
    record = {
        "delivery_id": delivery_id, "external_key": parcel.external_key,
        "partner_id": vip_id or world.index.vip_id("partner", parcel.partner), "asset_id": parcel.asset,
        "version_no": parcel.version_no, "request_id": parcel.request_id, "package_id": parcel.package_id,
        "channel": parcel.channel, "status": "queued", "status_at": now, "created_at": now,
        "checksum_sha256": version.get("checksum_sha256"), "error_code": None, "error_message": None, "updated_at": now,
    }  # fmt: skip
    if parcel.external_key is not None:
        world.store.run(
            "insert or ignore into external_keys values ('deliveries', ?, ?)", parcel.external_key, delivery_id
        )
    if parcel.expires_at is not None:
        world.store.put("_expiry", delivery_id, encode({"at": parcel.expires_at}))
    body = world.emit("deliveries", record, is_prompt=is_prompt)
    if parcel.request_id is not None and is_prompt:
        _overtake(world, parcel, delivery_id)
    wait = world.dice("queue", delivery_id).between(MINUTE, 25 * MINUTE)
    world.agenda.push(
        world.now + wait, "delivery.step", f"{delivery_id}:in_progress", delivery=delivery_id, to="in_progress"
    )
    return body


def step(world: World, args: Record) -> None:
    """A delivery moves on."""
    record = world.store.get("deliveries", args["delivery"])
    if record is None or record["status"] in {"failed", "cancelled", "expired"}:
        return
    status = args["to"]
    now = world.text(world.now)
    record |= {"status": status, "status_at": now, "updated_at": now}
    if status == "failed":
        record["error_code"], record["error_message"] = _ERRORS[record["channel"]]
    world.emit("deliveries", record)
    partner = world.index.grid_id("partner", record["partner_id"])
    by_machine = record["channel"] in {"sftp", "as2", "api"}
    if status == "picked_up" or (status == "delivered" and by_machine):
        holding.obtain(world, partner, record["asset_id"], record["version_no"])
        dice = world.dice("fetch", record["delivery_id"])
        if status == "picked_up" and dice.chance(0.5):
            record_access(
                world,
                partner,
                record["asset_id"],
                record["version_no"],
                "downloaded",
                delivery_id=record["delivery_id"],
            )
    _plan_next(world, record, by_machine=by_machine)


def _plan_next(world: World, record: Record, *, by_machine: bool) -> None:
    dice = world.dice("way", record["delivery_id"], record["status"])
    following: tuple[str, int] | None = None
    if record["status"] == "in_progress":
        fails = dice.chance(0.12 if record["request_id"] and world.is_handed_over else 0.04)
        following = (
            ("failed", dice.between(HOUR, 5 * HOUR)) if fails else ("delivered", dice.skewed(5 * MINUTE, 5 * HOUR))
        )
        if not fails and _is_overtaken(world, record["delivery_id"]):
            following = ("delivered", dice.between(26 * HOUR, 50 * HOUR))
    elif record["status"] == "delivered" and not by_machine:
        following = ("picked_up", dice.skewed(20 * MINUTE, 3 * DAY)) if dice.chance(0.85) else ("expired", 30 * DAY)
        following = _not_after_the_expiry(world, record["delivery_id"], following)
    if following is not None:
        subject = f"{record['delivery_id']}:{following[0]}"
        world.agenda.push(
            world.now + following[1], "delivery.step", subject, delivery=record["delivery_id"], to=following[0]
        )


def _overtake(world: World, parcel: Parcel, delivery_id: str) -> None:
    """Let one in ten dawdle, and a new version come meanwhile."""
    if _is_overtaken(world, delivery_id):
        args = {"asset": parcel.asset, "is_urgent": True, "terms": _AT_ONCE}
        world.agenda.push(world.now + 2 * HOUR, "version.upload", f"{parcel.asset}:{delivery_id}", **args)


def _is_overtaken(world: World, delivery_id: str) -> bool:
    record = world.store.get("deliveries", delivery_id)
    is_asked_for = record is not None and record["request_id"] is not None and record["external_key"] is not None
    return is_asked_for and world.dice("overtaken", delivery_id).chance(0.1)


def _not_after_the_expiry(world: World, delivery_id: str, following: tuple[str, int]) -> tuple[str, int]:
    expiry = world.store.get("_expiry", delivery_id)
    if expiry is None or (following[0] == "picked_up" and world.now + following[1] <= expiry["at"]):
        return following
    return "expired", max(MINUTE, expiry["at"] - world.now)


HANDLERS: dict[str, Handler] = {"delivery.step": step}
