"""Writes: once each, found again by their keys, refused where they make no sense."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sandbox.instants import parse
from tests.sandbox.conftest import Sandbox


def _partner(sandbox: Sandbox) -> str:
    return str(sandbox.trading_grid.page("partners", limit=1)["items"][0]["partner_id"])


def _notice(sandbox: Sandbox, key: str, **more: Any) -> dict[str, Any]:
    body = {
        "external_key": key,
        "partner_id": _partner(sandbox),
        "kind": "access_rules",
        "subject": "Rules",
        "body": "As before.",
    }
    return body | more


def _approved(sandbox: Sandbox) -> dict[str, Any]:
    return next(
        version
        for version in sandbox.vip.page("asset_versions", limit=50)["items"]
        if version["approval_status"] == "approved"
    )


def _case(sandbox: Sandbox, stream: str, status: str) -> str:
    """Give a case that stands so; the feed has all editions, so the last one counts."""
    member = stream.removesuffix("s") + "_id"
    standing = {item[member]: item["status"] for item in sandbox.trading_grid.all(stream)}
    for case in [case for case, now in standing.items() if now == status]:
        if sandbox.trading_grid.get(f"/v1/{stream}/{case}").json()["status"] == status:
            return str(case)
    pytest.fail(f"no {stream} in {status}")


def test_the_same_key_and_body_give_the_first_answer_again(sandbox: Sandbox) -> None:
    body = _notice(sandbox, "replayed")
    first = sandbox.trading_grid.write("POST", "/v1/notices", body, "key-replayed")
    again = sandbox.trading_grid.write("POST", "/v1/notices", dict(reversed(body.items())), "key-replayed")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert sandbox.trading_grid.get(first.headers["location"]).json() == first.json()
    received = sandbox.trading_grid.desk("received")["notices"]["by_external_key"]["replayed"]
    assert received == {"notices": 1, "idempotency_keys": {"key-replayed": 2}}


def test_the_same_key_with_another_body_is_refused(sandbox: Sandbox) -> None:
    assert (
        sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, "other-1"), "key-other").status_code == 201
    )
    assert (
        sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, "other-2"), "key-other").status_code == 422
    )
    assert sandbox.trading_grid.page("notices", external_key="other-2")["items"] == []


def test_while_the_first_is_in_progress_the_second_is_told_so(sandbox: Sandbox) -> None:
    body = _notice(sandbox, "parallel")
    sandbox.trading_grid.desk("faults", {"delay_next": 1, "delay_ms": 1500})

    def post(_: int) -> int:
        headers = {
            "Idempotency-Key": "key-parallel",
            "Authorization": sandbox.trading_grid.http.headers["Authorization"],
        }
        return httpx.post(
            f"{sandbox.told['trading_grid']}/v1/notices", json=body, headers=headers, timeout=30
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(post, range(4)))
    assert statuses[0] == 201
    assert 409 in statuses
    assert set(statuses) <= {201, 409}
    assert len(sandbox.trading_grid.page("notices", external_key="parallel")["items"]) == 1


def test_a_post_without_a_key_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, "keyless"))
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (400, "header.Idempotency-Key")


def test_a_refused_write_leaves_its_key_free(sandbox: Sandbox) -> None:
    wrong = _notice(sandbox, "mended", partner_id="P-nobody")
    assert sandbox.trading_grid.write("POST", "/v1/notices", wrong, "key-mended").status_code == 422
    assert (
        sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, "mended"), "key-mended").status_code == 201
    )


def test_records_are_found_by_their_external_keys(sandbox: Sandbox) -> None:
    keys = [f"found-{number}" for number in range(3)]
    for key in keys:
        sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, key), f"key-{key}")
    found = sandbox.trading_grid.page("notices", external_key=[*keys, "not-there"])["items"]
    assert [notice["external_key"] for notice in found] == keys
    version = _approved(sandbox)
    partner = sandbox.vip.page("deliveries", limit=1)["items"][0]["partner_id"]
    body = {
        "partner_id": partner,
        "asset_id": version["asset_id"],
        "version_no": version["version_no"],
        "channel": "api",
    }
    made = sandbox.vip.write(
        "POST", "/v1/deliveries", body | {"external_key": "found-delivery"}, "key-found-delivery"
    ).json()
    assert sandbox.vip.page("deliveries", external_key="found-delivery")["items"] == [made]
    comment = {"thread_type": "asset", "thread_id": "AS-00001", "body": "Hello", "external_key": "found-comment"}
    made = sandbox.trading_grid.write("POST", "/v1/comments", comment, "key-found-comment").json()
    assert sandbox.trading_grid.page("comments", external_key="found-comment")["items"] == [made]


def test_two_effects_with_one_external_key_are_reported_as_duplicates(sandbox: Sandbox) -> None:
    body = _notice(sandbox, "twice")
    for key in ("key-twice-1", "key-twice-2"):
        assert sandbox.trading_grid.write("POST", "/v1/notices", body, key).status_code == 201
    assert len(sandbox.trading_grid.page("notices", external_key="twice")["items"]) == 2
    twice = {"operation": "postNotice", "external_key": "twice", "effects": 2}
    assert twice in sandbox.trading_grid.desk("received")["duplicates"]


@pytest.mark.parametrize(
    ("system", "path", "body", "where"),
    [
        (
            "vip",
            "/v1/deliveries",
            {"partner_id": "P-0", "asset_id": "AS-00001", "version_no": 1, "channel": "api"},
            "body.partner_id",
        ),
        ("vip", "/v1/reviews", {"asset_id": "AS-99999"}, "body.asset_id"),
        ("vip", "/v1/reviews", {"asset_id": "AS-00001", "version_no": 99}, "body.version_no"),
        ("trading_grid", "/v1/comments", {"thread_type": "issue", "thread_id": "IS-0", "body": "?"}, "body.thread_id"),
        ("trading_grid", "/v1/comments", {"thread_type": "issue", "thread_id": "IS-0"}, "body"),
    ],
)
def test_an_unknown_id_in_a_write_is_refused_with_its_place(
    system: str, path: str, body: dict[str, Any], where: str, sandbox: Sandbox
) -> None:
    answer = getattr(sandbox, system).write("POST", path, body, "key-unknown-ids")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where


def test_each_system_takes_its_own_ids_only(sandbox: Sandbox) -> None:
    pair = next(
        row for row in sandbox.trading_grid.all("xref") if row["entity"] == "partner" and row["valid_to"] is None
    )
    version = _approved(sandbox)
    body = {"asset_id": version["asset_id"], "version_no": version["version_no"], "channel": "portal"}
    by_grid = sandbox.vip.write(
        "POST", "/v1/deliveries", body | {"partner_id": pair["trading_grid_id"]}, "key-ids-grid"
    )
    by_vip = sandbox.vip.write("POST", "/v1/deliveries", body | {"partner_id": pair["vip_id"]}, "key-ids-vip")
    assert (by_grid.status_code, by_vip.status_code) == (422, 201)
    notice = _notice(sandbox, "ids", partner_id=pair["vip_id"])
    assert sandbox.trading_grid.write("POST", "/v1/notices", notice, "key-ids-notice").status_code == 422


def test_a_legal_move_is_written_down_with_its_event_and_comment(sandbox: Sandbox) -> None:
    request = _case(sandbox, "requests", "new")
    body = {"to_status": "accepted", "comment": "On our way."}
    answer = sandbox.trading_grid.write("PATCH", f"/v1/requests/{request}", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    events = [event for event in sandbox.trading_grid.all("request_events") if event["request_id"] == request]
    assert (events[-1]["from_status"], events[-1]["to_status"], events[-1]["actor"]) == (
        "new",
        "accepted",
        "api:vipgrid",
    )
    assert "On our way." in [
        comment["body"] for comment in sandbox.trading_grid.all("comments") if comment["thread_id"] == request
    ]


def test_moves_made_while_the_clock_stands_still_have_an_order(sandbox: Sandbox) -> None:
    request = _case(sandbox, "requests", "new")
    path = f"/v1/requests/{request}"
    moved = [sandbox.trading_grid.write("PATCH", path, {"to_status": to}).json() for to in ("accepted", "in_progress")]
    assert parse(moved[0]["updated_at"]) < parse(moved[1]["updated_at"])
    assert sandbox.trading_grid.all("requests")[-1] == moved[1]


@pytest.mark.parametrize(
    ("stream", "status", "to"),
    [
        ("requests", "closed", "new"),
        ("requests", "denied", "delivered"),
        ("issues", "confirmed", "triaged"),
        ("issues", "reported", "confirmed"),
    ],
)
def test_an_illegal_move_is_refused_and_changes_nothing(stream: str, status: str, to: str, sandbox: Sandbox) -> None:
    case = _case(sandbox, stream, status)
    answer = sandbox.trading_grid.write("PATCH", f"/v1/{stream}/{case}", {"to_status": to})
    assert answer.status_code == 409
    assert sandbox.trading_grid.get(f"/v1/{stream}/{case}").json()["status"] == status


def test_a_notice_is_taken_back_once(sandbox: Sandbox) -> None:
    made = sandbox.trading_grid.write("POST", "/v1/notices", _notice(sandbox, "taken-back"), "key-taken-back").json()
    path = f"/v1/notices/{made['notice_id']}"
    assert sandbox.trading_grid.write("PATCH", path, {"retracted": True}).json()["retracted_at"] is not None
    assert sandbox.trading_grid.write("PATCH", path, {"retracted": True}).status_code == 409


def test_access_rules_are_replaced_as_a_whole(sandbox: Sandbox) -> None:
    group = sandbox.trading_grid.page("partner_groups", limit=1)["items"][0]["group_id"]
    path = f"/v1/partner_groups/{group}/access_rules"
    rule = {"object_type": "segment", "object_id": "SEG-REG", "effect": "allow", "rights": ["view"]}
    first = sandbox.trading_grid.write("PUT", path, {"rules": [rule]}).json()
    second = sandbox.trading_grid.write("PUT", path, {"rules": []}).json()
    assert (second["revision"], second["rules"]) == (first["revision"] + 1, [])
    assert sandbox.trading_grid.get(path).json() == second


def test_a_task_is_done_and_says_when(sandbox: Sandbox) -> None:
    task = sandbox.trading_grid.page("campaign_tasks", limit=1)["items"][0]["task_id"]
    done = sandbox.trading_grid.write("PATCH", f"/v1/campaign_tasks/{task}", {"status": "done"}).json()
    assert (done["status"], done["completed_at"] is None) == ("done", False)
    again = sandbox.trading_grid.write("PATCH", f"/v1/campaign_tasks/{task}", {"status": "open"}).json()
    assert (again["status"], again["completed_at"]) == ("open", None)


def test_a_write_that_was_taken_and_left_unanswered_is_found_and_not_done_twice(sandbox: Sandbox) -> None:
    body = _notice(sandbox, "dropped")
    sandbox.trading_grid.desk("faults", {"accept_then_drop": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.trading_grid.write("POST", "/v1/notices", body, "key-dropped")
    assert len(sandbox.trading_grid.page("notices", external_key="dropped")["items"]) == 1
    again = sandbox.trading_grid.write("POST", "/v1/notices", body, "key-dropped")
    assert again.headers["idempotency-replayed"] == "true"
    assert len(sandbox.trading_grid.page("notices", external_key="dropped")["items"]) == 1


def test_a_fault_that_was_asked_for_comes_as_often_as_asked(sandbox: Sandbox) -> None:
    sandbox.vip.desk("faults", {"fail_next": 2, "status": 503})
    answers = [sandbox.vip.get("/v1/assets", limit=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "1"
