"""What a profile says of a write: how a payload is put, and what an answer means where HTTP does not say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.actions.senders import Effect, Outcome, Result
from pipeline.ingest.profile import Profile
from resources.rest_writes import RestSender
from tests.rest.making import client
from tests.rest.scripted import Scripted, Step, answer

PAYLOAD = {
    "partner_id": "P1",
    "kind": "publish",
    "due_at": "2026-03-02T08:00:00.250000Z",
    "body": "b",
    "package_id": None,
}


def posted(words: dict[str, Any], *steps: Step, **auth: Any) -> tuple[Outcome, Scripted]:
    writes = {"post_notice": {"path": "/n", **words}}
    with Scripted(steps) as server:
        opened = client(server.url, writes=writes, **auth)
        sender = RestSender(opened, Profile.model_validate({"writes": writes}))
        outcome = sender.post(Effect("key-1", "post_notice", PAYLOAD))
        opened.close()
    return outcome, server


def sent(words: dict[str, Any]) -> Any:
    outcome, server = posted(words, answer(b"{}"))
    assert outcome.result is Result.ACCEPTED, outcome
    return json.loads(server.asked[0].body)


def test_fields_may_be_dropped_and_those_without_a_value_left_out() -> None:
    assert sent({"drop": ["body", "due_at"], "nulls": "leave_out"}) == {"partner_id": "P1", "kind": "publish"}
    assert sent({"drop": ["body", "due_at", "kind"]}) == {"partner_id": "P1", "package_id": None}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("epoch_seconds", 1772438400),
        ("epoch_milliseconds", 1772438400250),
        ("epoch_microseconds", 1772438400250000),
        ("%d.%m.%Y %H:%M", "02.03.2026 08:00"),
        ("iso", "2026-03-02T08:00:00.250000Z"),
    ],
)
def test_instants_are_written_as_the_remote_has_them(written: str, value: Any) -> None:
    assert sent({"instants": {"due_at": written}, "fields": {"due_at": "due.at"}})["due"] == {"at": value}


def test_an_instant_that_is_none_is_not_sent() -> None:
    outcome, server = posted({"instants": {"body": "epoch_seconds"}}, answer(b"{}"))
    assert (outcome.result, server.asked) == (Result.REJECTED, [])


def test_a_mutation_takes_the_payload_among_its_variables() -> None:
    words = {
        "graphql": {"query": "mutation($in: Input!) { x }", "variables": {"in": {"draft": False}}},
        "query": {"tenant": "t1"},
        "headers": {"X-Client": "vipgrid"},
        "fields": {name: ["in", name] for name in PAYLOAD},
        "constants": {"in.origin": "vipgrid"},
        "key_field": "in.ref",
        "nulls": "leave_out",
        "id": "data.create.id",
    }
    outcome, server = posted(words, answer(b'{"data": {"create": {"id": "N1"}}}'))
    assert outcome == Outcome(result=Result.ACCEPTED, remote_id="N1")
    assert server.asked[0].line == "POST /n?tenant=t1 HTTP/1.1"
    assert server.asked[0].headers["x-client"] == "vipgrid"
    own = {name: value for name, value in PAYLOAD.items() if value is not None}
    assert json.loads(server.asked[0].body) == {
        "query": "mutation($in: Input!) { x }",
        "variables": {"in": {"draft": False, "origin": "vipgrid", "ref": "key-1", **own}},
    }


RULES = [
    {"body": {"path": "errors[0].code", "one_of": ["BUSY"]}, "do": "retry"},
    {"body": {"path": "errors[0].code", "one_of": ["EXISTS"]}, "do": "ignore"},
    {"body": {"path": "errors[0].code", "one_of": ["INVALID"]}, "do": "fail"},
    {"body": {"path": "errors[0].code", "one_of": ["LOCKED"]}, "do": "look_up"},
    {"status": [404], "do": "retry"},
    {"status": [409], "do": "fail"},
]


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        (b'{"errors": [{"code": "BUSY"}]}', "200 OK", Result.TRANSIENT),
        (b'{"errors": [{"code": "EXISTS"}]}', "200 OK", Result.ACCEPTED),
        (b'{"errors": [{"code": "INVALID"}]}', "200 OK", Result.REJECTED),
        (b'{"errors": [{"code": "LOCKED"}]}', "200 OK", Result.CONTESTED),
        (b'{"errors": [{"code": "ELSE"}]}', "200 OK", Result.CONTESTED),
        (b"{}", "404 Not yet", Result.TRANSIENT),
        (b"<html>", "409 Conflict", Result.REJECTED),
        (b'{"errors": []}', "200 OK", Result.ACCEPTED),
    ],
)
def test_an_answer_means_what_the_profile_says(body: bytes, status: str, result: Result) -> None:
    outcome, server = posted({"errors": RULES}, answer(body, status))
    assert outcome.result is result
    assert len(server.asked) == 1
    assert b"code" not in (outcome.error or "").encode()


def test_a_success_that_lists_errors_is_looked_up_unless_it_names_what_was_made() -> None:
    body = b'{"data": {"id": "N1"}, "errors": [{"message": "slow"}]}'
    assert posted({"id": "data.id"}, answer(body))[0] == Outcome(result=Result.ACCEPTED, remote_id="N1")
    outcome, _ = posted({"id": "data.id"}, answer(b'{"data": null, "errors": [{"message": "no"}]}'))
    assert outcome.result is Result.CONTESTED
    assert "lists errors: 'errors' of the write says what they mean" in str(outcome.error)


def test_a_rule_that_a_write_is_there_already_takes_the_id_that_comes_with_it() -> None:
    rule = {"status": [409], "body": {"path": "problem", "one_of": ["DUPLICATE"]}, "do": "ignore"}
    outcome, _ = posted({"id": "nr", "errors": [rule]}, answer(b'{"problem": "DUPLICATE", "nr": 9}', "409 Conflict"))
    assert outcome == Outcome(result=Result.ACCEPTED, remote_id="9", is_replay=True)


def test_a_write_that_is_to_be_tried_again_waits_as_long_as_it_is_asked_to() -> None:
    outcome, _ = posted({"errors": [{"status": [423], "do": "retry"}]}, answer(b"{}", "423 Locked", Retry_After="30"))
    assert (outcome.result, outcome.retry_after_seconds, outcome.is_target_down) == (Result.TRANSIENT, 30, False)


def test_a_token_may_be_refused_in_a_success() -> None:
    rule = {"body": {"path": "fault", "one_of": ["TOKEN"]}, "do": "refresh_token"}
    steps = [answer(b'{"token": "t1"}'), answer(b'{"fault": "TOKEN"}'), answer(b'{"token": "t2"}'), answer(b"{}")]
    auth = {"kind": "session_token", "login_path": "/login", "login": {"who": "us"}}
    outcome, server = posted({"errors": [rule]}, *steps, auth=auth)
    assert outcome.result is Result.ACCEPTED
    assert [asked.headers.get("authorization") for asked in server.asked] == [None, "t1", None, "t2"]
