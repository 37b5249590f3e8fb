"""What the writing operations of the two contracts do to the world."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox import instants
from sandbox.dice import name
from sandbox.http.problems import Complaint, ProblemError
from sandbox.http.reading import Call
from sandbox.http.receipts import Answer
from sandbox.life import campaigns, cases, deliveries, notices, reviews, rights
from sandbox.life.cases import CaseKind
from sandbox.life.deliveries import Parcel
from sandbox.life.notices import Arrival
from sandbox.store import decode, encode
from sandbox.streams import Record
from sandbox.world import World

WriteHandler = Callable[[World, Call], Answer]

_THREADS = {"notice": "notices", "request": "requests", "issue": "issues", "campaign": "campaigns"}


def create_delivery(world: World, call: Call) -> Answer:
    """Queue a delivery."""
    body = call.body
    _require(world.index.is_known_to_vip(body["partner_id"]), "body.partner_id", "is not known to VIP")
    version_no = int(body["version_no"])
    _require(_version(world, body["asset_id"], version_no) is not None, "body.version_no", "is not known to VIP")
    if body.get("package_id") is not None:
        _require(world.index.has_package(body["package_id"]), "body.package_id", "is not known to VIP")
    partner = world.index.grid_id("partner", body["partner_id"])
    parcel = Parcel(
        partner,
        body["asset_id"],
        version_no,
        body["channel"],
        body.get("request_id"),
        body.get("package_id"),
        body.get("external_key"),
        None if body.get("expires_at") is None else instants.parse(body["expires_at"]),
    )
    record = deliveries.send(world, parcel, f"api:{call.idempotency_key}", vip_id=body["partner_id"], is_prompt=True)
    return _created("deliveries", record)


def open_review(world: World, call: Call) -> Answer:
    """Open a review."""
    body = call.body
    asset, number = body["asset_id"], body.get("version_no")
    _require(asset in world.index.assets, "body.asset_id", "is not known to VIP")
    _require(
        number is None or _version(world, asset, int(number)) is not None, "body.version_no", "is not known to VIP"
    )
    about = (asset, None if number is None else int(number), body.get("issue_id"))
    return _created(
        "reviews", reviews.open_review(world, about, body.get("reason"), f"api:{call.idempotency_key}", is_prompt=True)
    )


def answer_review(world: World, call: Call) -> Answer:
    """Move a review on."""
    record = _found(world, "reviews", call.path["review_id"])
    number = call.body.get("replacement_version_no")
    _require(
        number is None or _version(world, record["asset_id"], int(number)) is not None,
        "body.replacement_version_no",
        "is not known to VIP",
    )
    change = {key: value for key, value in call.body.items() if value is not None}
    body = reviews.move_review(world, record, change, is_prompt=True)
    return _moved(body, record["status"], change["status"])


def post_notice(world: World, call: Call) -> Answer:
    """Post a notice; its partner may react in time."""
    body = call.body
    asset, number, package = body.get("asset_id"), body.get("version_no"), body.get("package_id")
    _require(body["partner_id"] in world.index.partners, "body.partner_id", "is not known to Trading Grid")
    _require(asset is None or world.index.is_known_to_grid(asset), "body.asset_id", "is not known to Trading Grid")
    vip_asset = None if asset is None else world.index.vip_id("asset", asset)
    _require(number is None or asset is not None, "body.asset_id", "is needed with a version")
    number = None if number is None else int(number)
    notice_id = name("NT", world.seed, body["partner_id"], body["external_key"], call.idempotency_key)
    record = {
        "notice_id": notice_id, "external_key": body["external_key"], "partner_id": body["partner_id"],
        "kind": body["kind"], "asset_id": asset, "version_no": number, "package_id": package,
        "posted_at": world.text(world.now), "due_at": body.get("due_at"), "retracted_at": None, "read_at": None,
    }  # fmt: skip
    served = world.emit("notices", record, is_prompt=True)
    _remember_key(world, "notices", body["external_key"], notice_id)
    if world.index.is_active(body["partner_id"]):
        notices.arrive(
            world, Arrival(notice_id, body["partner_id"], body["kind"], vip_asset, number, package, is_ours=True)
        )
    return _created("notices", served)


def retract_notice(world: World, call: Call) -> Answer:
    """Take a notice back."""
    record = _found(world, "notices", call.path["notice_id"])
    if record["retracted_at"] is not None:
        raise ProblemError(409, "The notice was taken back before.")
    return Answer(200, world.emit("notices", record | {"retracted_at": world.text(world.now)}, is_prompt=True))


def create_comment(world: World, call: Call) -> Answer:
    """Post a comment."""
    body = call.body
    thread, thread_id = body["thread_type"], body["thread_id"]
    is_known = (
        world.index.is_known_to_grid(thread_id)
        if thread == "asset"
        else world.store.raw(_THREADS[thread], thread_id) is not None
    )
    _require(is_known, "body.thread_id", "is not known to Trading Grid")
    partner = body.get("partner_id")
    _require(partner is None or partner in world.index.partners, "body.partner_id", "is not known to Trading Grid")
    comment_id = name("CO", world.seed, thread, thread_id, body.get("external_key"), call.idempotency_key)
    return _created("comments", _comment(world, comment_id, body))


def move_request(world: World, call: Call) -> Answer:
    """Move a request on."""
    return _move(world, call, cases.REQUESTS, _found(world, "requests", call.path["request_id"]))


def move_issue(world: World, call: Call) -> Answer:
    """Move an issue on."""
    record = _found(world, "issues", call.path["issue_id"])
    other = call.body.get("duplicate_of")
    if other is not None:
        _require(call.body["to_status"] == "duplicate", "body.duplicate_of", "goes with `duplicate` only")
        _require(world.store.raw("issues", other) is not None, "body.duplicate_of", "is not known to Trading Grid")
        record["duplicate_of"] = other
    return _move(world, call, cases.ISSUES, record)


def publish_access_rules(world: World, call: Call) -> Answer:
    """Replace what a group is told that it may do."""
    group = call.path["group_id"]
    _found(world, "partner_groups", group)
    before = world.store.get("access_rules", group)
    rules = [{"usage_guidance": None, "valid_from": None, "valid_to": None} | rule for rule in call.body["rules"]]
    body = encode({
        "group_id": group, "revision": 1 if before is None else before["revision"] + 1, "rules": rules,
        "summary": call.body.get("summary"), "published_at": world.text(world.now),
    })  # fmt: skip
    world.store.put("access_rules", group, body)
    for partner in sorted(world.index.members[group]):
        if world.dice("listens", partner, group, world.now).chance(0.3):
            rights.hear(world, partner, f"{group}:{world.now}")
    return Answer(200, body)


def change_campaign_task(world: World, call: Call) -> Answer:
    """Set the status of a task."""
    record = _found(world, "campaign_tasks", call.path["task_id"])
    served = campaigns.set_task(world, record, call.body["status"], is_prompt=True)
    _comment_along(world, call, "campaign", record["campaign_id"])
    return Answer(200, served)


def _move(world: World, call: Call, kind: CaseKind, record: Record) -> Answer:
    to = call.body["to_status"]
    body = cases.move_case(world, kind, record, to, f"api:{call.client}", is_prompt=True)
    answer = _moved(body, record["status"], to)
    _comment_along(world, call, kind.stream.removesuffix("s"), record[kind.id_member])
    return answer


def _moved(body: bytes | None, before: str, to: str) -> Answer:
    if body is None:
        raise ProblemError(409, f"There is no move from {before} to {to}.")
    return Answer(200, body)


def _comment_along(world: World, call: Call, thread: str, thread_id: str) -> None:
    if call.body.get("comment"):
        comment_id = name("CO", world.seed, thread, thread_id, call.operation.name, world.now, call.body["comment"])
        _comment(world, comment_id, {"thread_type": thread, "thread_id": thread_id, "body": call.body["comment"]})


def _comment(world: World, comment_id: str, body: dict[str, Any]) -> bytes:
    now = world.text(world.now)
    record = {
        "comment_id": comment_id, "external_key": body.get("external_key"), "thread_type": body["thread_type"],
        "thread_id": body["thread_id"], "partner_id": body.get("partner_id"), "user_id": body.get("user_id"),
        "body": body["body"], "visibility": body.get("visibility", "public"), "created_at": now, "updated_at": now,
        "redacted_at": None,
    }  # fmt: skip
    if record["external_key"] is not None:
        _remember_key(world, "comments", record["external_key"], comment_id)
    return world.emit("comments", record, is_prompt=True)


def _created(stream: str, body: bytes) -> Answer:
    record = decode(body)
    return Answer(201, body, f"/v1/{stream}/{next(iter(record.values()))}")


def _found(world: World, stream: str, key: str) -> Record:
    record = world.store.get(stream, key)
    if record is None:
        raise ProblemError(404, "There is no such record.")
    return record


def _version(world: World, asset: str, number: int) -> Record | None:
    return world.index.versions.get(asset, {}).get(number)


def _require(holds: bool, where: str, message: str) -> None:  # noqa: FBT001 - reads like the sentence that it is
    if not holds:
        raise ProblemError(422, f"{where} {message}.", (Complaint(where, message),))


def _remember_key(world: World, kind: str, external_key: str, key: str) -> None:
    world.store.run("insert or ignore into external_keys values (?, ?, ?)", kind, external_key, key)


VIP_WRITES: Mapping[str, WriteHandler] = {
    "createDelivery": create_delivery,
    "openReview": open_review,
    "answerReview": answer_review,
}
TRADING_GRID_WRITES: Mapping[str, WriteHandler] = {
    "postNotice": post_notice,
    "retractNotice": retract_notice,
    "createComment": create_comment,
    "moveRequest": move_request,
    "moveIssue": move_issue,
    "publishAccessRules": publish_access_rules,
    "changeCampaignTask": change_campaign_task,
}
