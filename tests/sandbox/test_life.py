"""What life makes of what clients write: answers of many kinds, deliveries on their way, reviews answered."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.conftest import Sandbox, running


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("life"), "--history-days", "60", "--rate-limit", "100000") as sandbox:
        yield sandbox


def _approved(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Give versions by ids that both systems know."""
    strange = {row["vip_id"] for row in sandbox.trading_grid.all("xref") if row["entity"] == "asset"}
    newest = {item["asset_id"]: item for item in sandbox.vip.all("asset_versions")}
    return [
        v
        for v in newest.values()
        if v["approval_status"] == "approved" and v["asset_id"] not in strange and not v["withdrawn_at"]
    ]


def _notify_all(sandbox: Sandbox, kind: str, version: dict[str, Any]) -> int:
    partners = {partner["partner_id"] for partner in sandbox.trading_grid.all("partners")}
    for partner in sorted(partners):
        body = {
            "external_key": f"{kind}-{version['asset_id']}-{partner}", "partner_id": partner, "kind": kind,
            "asset_id": version["asset_id"], "version_no": version["version_no"], "subject": "News",
            "body": "Please look.",
        }  # fmt: skip
        assert (
            sandbox.trading_grid.write(
                "POST", "/v1/notices", body, f"key-{kind}-{version['asset_id']}-{partner}"
            ).status_code
            == 201
        )
    return len(partners)


@pytest.mark.parametrize(("kind", "answer"), [("version_change", "accepted"), ("withdrawal", "completed")])
def test_partners_answer_a_notice_each_in_its_own_way_and_time(kind: str, answer: str, started: Sandbox) -> None:
    told = _notify_all(started, kind, _approved(started)[0])
    mine = {n["notice_id"] for n in started.trading_grid.all("notices") if n["external_key"] and n["kind"] == kind}
    counts = []
    for hours in (8, 30, 48, 90):
        started.advance(hours=hours)
        acks = {a["ack_id"]: a for a in started.trading_grid.all("acknowledgments") if a["notice_id"] in mine}
        counts.append(len(acks))
    assert 0 < counts[0] < counts[1] < counts[-1], "they come one after another"
    kinds = Counter(ack["kind"] for ack in acks.values())
    assert kinds[answer] >= 5
    assert kinds["auto"] >= 3
    people = {ack["partner_id"] for ack in acks.values() if ack["kind"] != "auto"}
    assert 0.4 * told < len(people) < 0.95 * told, "some stay silent"
    read = {n["notice_id"] for n in started.trading_grid.all("notices") if n["notice_id"] in mine and n["read_at"]}
    assert 0.5 * told < len(read) <= told
    remarks = [
        c for c in started.trading_grid.all("comments") if c["thread_type"] == "notice" and c["thread_id"] in mine
    ]
    assert remarks or kind == "withdrawal", "some only comment"


def test_a_notice_makes_partners_fetch_what_they_did_not_have(started: Sandbox) -> None:
    wide = Counter(event["asset_id"] for event in started.vip.all("access_events"))
    versions = sorted(_approved(started), key=lambda version: -wide[version["asset_id"]])[:4]
    assets = {version["asset_id"] for version in versions}
    for version in versions:
        _notify_all(started, "version_change", version)
    before = len(started.vip.all("access_events")) + len(started.vip.all("deliveries"))
    mark = started.vip.page("assets", limit=1)["watermark"]
    started.advance(days=4)
    fetched = [e for e in started.vip.all("access_events", changed_since=mark) if e["asset_id"] in assets]
    sent = [d for d in started.vip.all("deliveries", changed_since=mark) if d["asset_id"] in assets]
    assert len(started.vip.all("access_events")) + len(started.vip.all("deliveries")) > before
    assert fetched or sent


def test_deliveries_go_their_way_and_some_fail(started: Sandbox) -> None:
    version = _approved(started)[0]
    partners = sorted({delivery["partner_id"] for delivery in started.vip.all("deliveries")})
    for number, partner in enumerate(partners * 3):
        body = {
            "partner_id": partner,
            "asset_id": version["asset_id"],
            "version_no": version["version_no"],
            "channel": "portal",
        }
        key = f"delivery-{number}"
        assert started.vip.write("POST", "/v1/deliveries", body | {"external_key": key}, key).status_code == 201
    keys = [f"delivery-{number}" for number in range(100)]
    ways = []
    for hours in (0, 1, 6, 80):
        started.advance(hours=hours)
        ways.append(Counter(d["status"] for d in started.vip.page("deliveries", external_key=keys)["items"]))
    assert set(ways[0]) == {"queued"}
    assert {"in_progress", "delivered"} <= set(ways[1])
    assert ways[2]["queued"] == 0
    assert ways[3]["picked_up"] > 50
    assert 0 < ways[3]["failed"] < 20


def test_reviews_are_answered_and_a_replacement_becomes_a_version(started: Sandbox) -> None:
    versions = _approved(started)[:40]
    opened = {}
    for version in versions:
        body = {"asset_id": version["asset_id"], "version_no": version["version_no"], "reason": "Old recipe"}
        review = started.vip.write("POST", "/v1/reviews", body, f"review-{version['asset_id']}").json()
        opened[review["review_id"]] = version
    started.advance(days=11)
    now = {review: started.vip.get(f"/v1/reviews/{review}").json() for review in opened}
    outcomes = Counter(review["status"] for review in now.values())
    assert outcomes["replacement_approved"] + outcomes["closed"] > 25
    replaced = [review for review in now.values() if review["replacement_version_no"] is not None]
    assert replaced
    for review in replaced:
        path = f"/v1/assets/{review['asset_id']}/versions/{review['replacement_version_no']}"
        assert started.vip.get(path).json()["approval_status"] in {"approved", "revoked"}
        assert review["replacement_version_no"] > opened[review["review_id"]]["version_no"]


def test_partners_raise_requests_and_issues_and_confirm_what_they_get(started: Sandbox) -> None:
    started.advance(days=12)
    fresh_requests = [r for r in started.trading_grid.all("requests") if r["status"] == "new"]
    assert [r for r in fresh_requests if r["asset_id"]]
    assert [r for r in fresh_requests if r["asset_query"]]
    candidates = dict.fromkeys(r["request_id"] for r in fresh_requests)
    states = {request: started.trading_grid.get(f"/v1/requests/{request}").json()["status"] for request in candidates}
    waiting = [request for request, status in states.items() if status == "new"]
    assert waiting, "after the hand-over nobody takes requests up by hand"
    for request in waiting:
        for to in ("accepted", "in_progress", "delivered"):
            assert started.trading_grid.write("PATCH", f"/v1/requests/{request}", {"to_status": to}).status_code == 200
    started.advance(days=5)
    after = Counter(started.trading_grid.get(f"/v1/requests/{request}").json()["status"] for request in waiting)
    assert after["confirmed"] > len(waiting) / 2


def test_versions_go_on_being_published_and_hardly_anybody_announces_them_by_hand(started: Sandbox) -> None:
    mark = started.vip.page("assets", limit=1)["watermark"]
    started.advance(days=30)
    later = started.vip.all("asset_versions", changed_since=mark)
    assert len({(v["asset_id"], v["version_no"]) for v in later if v["approval_status"] == "approved"}) > 10
    by_hand = {
        n["notice_id"]: n for n in started.trading_grid.all("notices", changed_since=mark) if n["posted_at"] > mark
    }
    assert len(by_hand) < 6
