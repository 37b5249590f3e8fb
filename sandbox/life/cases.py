"""Requests and issues as such: which moves are legal, and how a move is written down."""

from dataclasses import dataclass
from typing import Any

from sandbox.dice import name
from sandbox.instants import DAY, HOUR, MINUTE
from sandbox.world import World

REQUEST_MOVES: dict[str, frozenset[str]] = {
    "new": frozenset({"accepted", "denied", "cancelled"}),
    "accepted": frozenset({"in_progress", "denied", "cancelled"}),
    "in_progress": frozenset({"waiting_partner", "delivered", "denied", "cancelled"}),
    "waiting_partner": frozenset({"in_progress", "delivered", "denied", "cancelled"}),
    "delivered": frozenset({"confirmed", "reopened"}),
    "confirmed": frozenset({"closed", "reopened"}),
    "closed": frozenset({"reopened"}),
    "reopened": frozenset({"accepted", "in_progress", "denied", "cancelled"}),
    "denied": frozenset({"reopened"}),
    "cancelled": frozenset(),
}
ISSUE_MOVES: dict[str, frozenset[str]] = {
    "reported": frozenset({"triaged"}),
    "triaged": frozenset({"rejected", "duplicate", "in_review", "partner_notified"}),
    "in_review": frozenset({"replacement_approved", "rejected"}),
    "replacement_approved": frozenset({"replacement_published", "in_review"}),
    "replacement_published": frozenset({"partner_notified"}),
    "partner_notified": frozenset({"confirmed", "reopened"}),
    "confirmed": frozenset({"reopened"}),
    "reopened": frozenset({"triaged", "in_review"}),
    "rejected": frozenset({"reopened"}),
    "duplicate": frozenset(),
}


_OF_WHAT_CAME = (("confirmed", 84.0), ("reopened", 8.0), ("", 8.0))
_ANSWERS: dict[str, tuple[tuple[tuple[str, float], ...], int, int]] = {
    "delivered": (_OF_WHAT_CAME, 3 * HOUR, 4 * DAY),
    "partner_notified": (_OF_WHAT_CAME, 3 * HOUR, 4 * DAY),
    "waiting_partner": ((("in_progress", 84.0), ("cancelled", 6.0), ("", 10.0)), 4 * HOUR, 3 * DAY),
    "denied": ((("reopened", 25.0), ("", 75.0)), 5 * HOUR, 3 * DAY),
    "rejected": ((("reopened", 20.0), ("", 80.0)), 5 * HOUR, 3 * DAY),
}
"""What a partner makes of a move, by weight, and how soon and how late; nothing, as often as not."""


@dataclass(frozen=True, slots=True)
class CaseKind:
    """Requests, or issues."""

    stream: str
    events: str
    id_member: str
    moves: dict[str, frozenset[str]]


REQUESTS = CaseKind("requests", "request_events", "request_id", REQUEST_MOVES)
ISSUES = CaseKind("issues", "issue_events", "issue_id", ISSUE_MOVES)


def open_case(world: World, kind: CaseKind, record: dict[str, Any]) -> None:
    """Write a new case down, and its first event."""
    world.emit(kind.stream, record)
    _write_event(world, kind, record, None, "partner")


def move_case(
    world: World, kind: CaseKind, record: dict[str, Any], to: str, actor: str, *, is_prompt: bool = False
) -> bytes | None:
    """Move a case, and give it as served; None where its state does not allow it."""
    before = record["status"]
    if to not in kind.moves[before]:
        return None
    record = record | {"status": to, "updated_at": world.partner_text(world.now, record["partner_id"])}
    body = world.emit(kind.stream, record, is_prompt=is_prompt)
    _write_event(world, kind, record, before, actor)
    _await_partner(world, kind, record, to)
    return body


def _write_event(world: World, kind: CaseKind, record: dict[str, Any], before: str | None, actor: str) -> None:
    case_id = record[kind.id_member]
    world.emit(kind.events, {
        "event_id": name("EV", case_id, before, record["status"], world.now), kind.id_member: case_id,
        "from_status": before, "to_status": record["status"], "actor": actor,
        "occurred_at": world.partner_text(world.now, record["partner_id"]),
    }, is_prompt=True)  # fmt: skip


def _await_partner(world: World, kind: CaseKind, record: dict[str, Any], to: str) -> None:
    """Let the partner think about what it was told."""
    case_id = record[kind.id_member]
    dice = world.dice("case", case_id, to, world.now)
    if to not in _ANSWERS:
        return
    subject = f"{case_id}:{to}:{world.now}"
    choices, soonest, latest = _ANSWERS[to]
    answer = dice.weighted(choices)
    if to == "partner_notified" and record["asset_id"] is not None and dice.chance(0.85):
        asset = world.index.vip_id("asset", record["asset_id"])
        at = world.now + dice.between(5 * MINUTE, 3 * HOUR)
        world.agenda.push(at, "asset.fetch", f"{subject}:new", partner=record["partner_id"], asset=asset)
    if answer and (world.is_handed_over or to not in {"denied", "rejected"}):
        args = {"stream": kind.stream, "case": case_id, "since": to}
        world.agenda.push(world.now + dice.between(soonest, latest), "case.answer", subject, **args, to=answer)
