"""The network is believable: mostly healthy, whole in its references, and with every blemish that real feeds have."""

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.instants import DAY, HOUR, parse
from tests.sandbox.conftest import Sandbox

Items = list[dict[str, Any]]


@pytest.fixture(scope="module")
def feeds(sandbox: Sandbox) -> Callable[[str], Items]:
    """Read each feed once, as it was at the start."""
    kept: dict[str, Items] = {}

    def feed(stream: str) -> Items:
        if stream not in kept:
            system = sandbox.vip if stream in VIP else sandbox.trading_grid
            kept[stream] = system.all(stream)
        return kept[stream]

    return feed


VIP = {
    "assets",
    "asset_versions",
    "segments",
    "segment_assets",
    "grants",
    "packages",
    "package_items",
    "deliveries",
    "access_events",
    "reviews",
}


def _lag(event: dict[str, Any]) -> int:
    return parse(event["recorded_at"]) - parse(event["occurred_at"])


def test_the_network_has_the_size_that_was_asked_for(feeds: Callable[[str], Items]) -> None:
    assert len({partner["partner_id"] for partner in feeds("partners")}) == 60
    assert len({asset["asset_id"] for asset in feeds("assets")}) == 200
    numbers = Counter(asset for asset, _ in {(v["asset_id"], v["version_no"]) for v in feeds("asset_versions")})
    assert set(numbers.values()) >= {1, 2, 3, 4}
    assert len({partner["region"] for partner in feeds("partners")}) > 12
    assert len({partner["timezone"] for partner in feeds("partners")}) > 10


def test_most_held_pairs_are_current(feeds: Callable[[str], Items]) -> None:
    last: dict[str, int] = {}
    for version in feeds("asset_versions"):
        if (
            version["approval_status"] == "approved"
            and version["effective_local"] is None
            and not version["restricted_regions"]
        ):
            last[version["asset_id"]] = max(last.get(version["asset_id"], 0), version["version_no"])
    held: dict[tuple[str, str], set[int]] = defaultdict(set)
    for event in feeds("access_events"):
        if event["event_type"] == "downloaded" and event["partner_id"] and event["version_no"]:
            held[event["partner_id"], event["asset_id"]].add(event["version_no"])
    for delivery in feeds("deliveries"):
        if delivery["status"] == "picked_up" or (
            delivery["status"] == "delivered" and delivery["channel"] in {"sftp", "as2", "api"}
        ):
            held[delivery["partner_id"], delivery["asset_id"]].add(delivery["version_no"])
    pairs = [(max(numbers), last[asset]) for (_, asset), numbers in held.items() if asset in last]
    assert len(pairs) > 1500
    assert 0.65 < sum(have >= newest for have, newest in pairs) / len(pairs) < 0.92


def test_nearly_all_references_resolve(feeds: Callable[[str], Items]) -> None:
    versions = {(v["asset_id"], v["version_no"]) for v in feeds("asset_versions")}
    partners = {p["partner_id"] for p in feeds("partners")}
    vip_partners = partners | {row["vip_id"] for row in feeds("xref") if row["entity"] == "partner"}
    assert all(
        (d["asset_id"], d["version_no"]) in versions and d["partner_id"] in vip_partners for d in feeds("deliveries")
    )
    notices = {notice["notice_id"] for notice in feeds("notices")}
    assert all(ack["notice_id"] in notices for ack in feeds("acknowledgments") if ack["notice_id"] is not None)
    requests = {request["request_id"] for request in feeds("requests")}
    assert {event["request_id"] for event in feeds("request_events")} == requests
    known = [
        e for e in feeds("access_events") if e["version_no"] is None or (e["asset_id"], e["version_no"]) in versions
    ]
    assert 0.99 < len(known) / len(feeds("access_events")) < 1


def test_deliveries_begin_queued_and_go_on_in_their_order(feeds: Callable[[str], Items]) -> None:
    ways: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for delivery in feeds("deliveries"):
        ways[delivery["delivery_id"]].append((parse(delivery["status_at"]), delivery["status"]))
    seen = {tuple(dict.fromkeys(status for _, status in sorted(way))) for way in ways.values()}
    assert ("queued", "in_progress", "delivered", "picked_up") in seen
    assert ("queued", "in_progress", "failed") in seen
    assert all(way[0] == "queued" for way in seen)


BLEMISHES: dict[str, tuple[str, Callable[[Items], Any]]] = {
    "late": ("access_events", lambda items: [e for e in items if _lag(e) > 6 * HOUR]),
    "later than a day": ("access_events", lambda items: [e for e in items if _lag(e) > DAY]),
    "superseded": ("access_events", lambda items: [e for e in items if e["supersedes_event_id"]]),
    "corrected in place": (
        "access_events",
        lambda items: [
            n for n in Counter(e["event_id"] for e in {str(e): e for e in items}.values()).values() if n > 1
        ],
    ),
    "without partner": ("access_events", lambda items: [e for e in items if e["partner_id"] is None and e["user_id"]]),
    "without anybody": (
        "access_events",
        lambda items: [
            e for e in items if e["partner_id"] is None and e["user_id"] is None and e["delivery_id"] is None
        ],
    ),
    "without partner, by a delivery": (
        "access_events",
        lambda items: [e for e in items if not e["partner_id"] and e["delivery_id"]],
    ),
    "without version": ("access_events", lambda items: [e for e in items if e["version_no"] is None]),
    "of an unknown version": ("access_events", lambda items: [e for e in items if (e["version_no"] or 0) > 30]),
    "denied": ("access_events", lambda items: [e for e in items if e["event_type"] == "denied"]),
    "by share link": ("access_events", lambda items: [e for e in items if e["vector"] == "share_link"]),
    "served twice": ("deliveries", lambda items: [n for n in Counter(map(str, items)).values() if n > 1]),
    "withdrawn": ("asset_versions", lambda items: [v for v in items if v["withdrawn_at"]]),
    "revoked": ("asset_versions", lambda items: [v for v in items if v["approval_status"] == "revoked"]),
    "rejected": ("asset_versions", lambda items: [v for v in items if v["approval_status"] == "rejected"]),
    "pending": ("asset_versions", lambda items: [v for v in items if v["approval_status"] == "pending"]),
    "expiring": ("asset_versions", lambda items: [v for v in items if v["expires_at"]]),
    "barred somewhere": ("asset_versions", lambda items: [v for v in items if v["restricted_regions"]]),
    "metadata only": ("asset_versions", lambda items: [v for v in items if v["change_class"] == "metadata"]),
    "effective in the partner's zone": (
        "asset_versions",
        lambda items: [v for v in items if v["effective_policy"] == "partner_local"],
    ),
    "effective in a gap or fold": (
        "asset_versions",
        lambda items: [v for v in items if (v["effective_local"] or "").endswith(("02:15:00", "02:30:00", "01:30:00"))],
    ),
    "reinstating": ("assets", lambda items: [a for a in items if a["on_withdraw"] == "reinstate_previous"]),
    "deleted": ("assets", lambda items: [a for a in items if a["deleted_at"]]),
    "branches": ("partners", lambda items: [p for p in items if p["parent_partner_id"]]),
    "suspended": ("partners", lambda items: [p for p in items if p["status"] == "suspended"]),
    "left": ("partners", lambda items: [p for p in items if p["status"] == "left"]),
    "merged": ("partners", lambda items: [p for p in items if p["deleted_at"]]),
    "partners by two ids": ("xref", lambda items: [x for x in items if x["entity"] == "partner"]),
    "assets by two ids": ("xref", lambda items: [x for x in items if x["entity"] == "asset"]),
    "users by two ids": ("xref", lambda items: [x for x in items if x["entity"] == "user"]),
    "denies": ("grants", lambda items: [g for g in items if g["effect"] == "deny"]),
    "package grants": ("grants", lambda items: [g for g in items if g["object_type"] == "package"]),
    "embargoes": ("packages", lambda items: [p for p in items if p["embargo_until"]]),
    "gone from a group": ("group_members", lambda items: [m for m in items if m["left_at"]]),
    "revoked answers": ("acknowledgments", lambda items: [a for a in items if a["revoked_at"]]),
    "answers for branches": ("acknowledgments", lambda items: [a for a in items if a["covers_children"]]),
    "answers without version": ("acknowledgments", lambda items: [a for a in items if a["version_no"] is None]),
    "unsolicited answers": ("acknowledgments", lambda items: [a for a in items if a["notice_id"] is None]),
    "digests": ("acknowledgments", lambda items: [a for a in items if a["content_digest"]]),
    "offsets": ("acknowledgments", lambda items: [a for a in items if a["occurred_at"].endswith("+02:00")]),
    "redacted": ("comments", lambda items: [c for c in items if c["redacted_at"]]),
    "failed": ("deliveries", lambda items: [d for d in items if d["error_code"]]),
}


@pytest.mark.parametrize("blemish", BLEMISHES)
def test_what_real_networks_have_occurs(blemish: str, feeds: Callable[[str], Items]) -> None:
    stream, find = BLEMISHES[blemish]
    found = find(feeds(stream))
    assert found
    assert len(found) < 0.7 * len(feeds(stream)), "it is the rule, not the exception"


def test_an_older_edition_sometimes_comes_after_a_newer_one(feeds: Callable[[str], Items]) -> None:
    newest: dict[str, str] = {}
    backwards = 0
    for delivery in feeds("deliveries"):
        before = newest.get(delivery["delivery_id"], "")
        backwards += delivery["updated_at"] < before
        newest[delivery["delivery_id"]] = max(before, delivery["updated_at"])
    assert 5 < backwards < len(newest) / 10


def test_acknowledgments_and_cases_come_in_every_kind(feeds: Callable[[str], Items]) -> None:
    kinds = {ack["kind"] for ack in feeds("acknowledgments")}
    assert kinds == {"received", "read", "accepted", "declined", "exception", "completed", "auto", "proxy"}
    states = {event["to_status"] for event in feeds("request_events")}
    assert states >= {
        "new",
        "accepted",
        "in_progress",
        "waiting_partner",
        "delivered",
        "confirmed",
        "closed",
        "denied",
        "cancelled",
        "reopened",
    }
    states = {event["to_status"] for event in feeds("issue_events")}
    assert states >= {
        "reported",
        "triaged",
        "in_review",
        "rejected",
        "duplicate",
        "replacement_published",
        "partner_notified",
        "confirmed",
        "reopened",
    }
    assert {review["status"] for review in feeds("reviews")} == {
        "open",
        "in_progress",
        "replacement_approved",
        "rejected",
        "closed",
    }
    assert all(notice["external_key"] is None or "key" in notice for notice in feeds("notices")[:500])


def test_partners_are_in_several_groups(feeds: Callable[[str], Items]) -> None:
    groups = Counter(member["partner_id"] for member in feeds("group_members"))
    assert min(groups.values()) >= 3
