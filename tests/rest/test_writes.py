"""Writes: tried once, and what became of them is told exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.errors import SourceError
from pipeline.ingest.profile import Profile
from resources.rest_writes import RestSender
from tests.rest.making import client, oauth
from tests.rest.scripted import Scripted, Step, answer, hang_up, raw

WRITES: dict[str, Any] = {
    "post_notice": {
        "path": "/v1/notices",
        "integers": ["version_no"],
        "fields": {"partner_id": "to.partner"},
        "constants": {"source": "vipgrid"},
        "key_field": "external_key",
        "id": "notice_id",
        "lookup": {"path": "/v1/notices", "id": "notice_id", "batch": 2},
    },
    "move_request": {"method": "PATCH", "path": "/v1/requests/{request_id}", "may_be_repeated": True},
}
NOTICE = Effect("key-1", "post_notice", {"partner_id": "P1", "version_no": "3", "due_at": None})


def _post(step: Step, effect: Effect = NOTICE) -> tuple[Outcome, Scripted]:
    with Scripted([step]) as server:
        opened = client(server.url, writes=WRITES)
        outcome = RestSender(opened, Profile.model_validate({"writes": WRITES})).post(effect)
        opened.close()
    return outcome, server


def test_a_payload_becomes_the_body_that_the_profile_describes() -> None:
    outcome, server = _post(answer(b'{"notice_id": "N7"}', "201 Created"))

    assert outcome == Outcome(result=Result.ACCEPTED, remote_id="N7")
    assert json.loads(server.asked[0].body) == {
        "source": "vipgrid",
        "to": {"partner": "P1"},
        "version_no": 3,
        "due_at": None,
        "external_key": "key-1",
    }
    assert server.asked[0].headers["idempotency-key"] == "key-1"


BULLETIN: dict[str, Any] = {
    "post_notice": {
        "path": "/grid/bulletins",
        "fields": {"partner_id": "to.company", "kind": "typeCode", "asset_id": "to.media"},
        "integers": ["partner_id"],
        "values": {"kind": {"publish": 1, "withdrawal": 3}},
        "constants": {"ref.source": "vipgrid"},
        "key_field": "ref.external",
        "id": "answer.no",
        "lookup": {"path": "/grid/bulletins", "param": "refs", "separator": ",", "id": "no", "key": "ref.external"},
    }
}


def test_values_are_written_as_the_remote_has_them_and_our_key_where_it_wants_it() -> None:
    payload = {"partner_id": "1001", "kind": "withdrawal", "asset_id": None, "body": "Remove it."}
    with Scripted([answer(b'{"answer": {"no": 12}}')]) as server:
        opened = client(server.url, writes=BULLETIN)
        sender = RestSender(opened, Profile.model_validate({"writes": BULLETIN}))
        outcome = sender.post(Effect("key-1", "post_notice", payload))
        opened.close()
    assert outcome == Outcome(result=Result.ACCEPTED, remote_id="12")
    assert json.loads(server.asked[0].body) == {
        "ref": {"source": "vipgrid", "external": "key-1"},
        "to": {"company": 1001, "media": None},
        "typeCode": 3,
        "body": "Remove it.",
    }


def test_a_value_that_the_profile_does_not_translate_is_not_sent() -> None:
    with Scripted([]) as server:
        opened = client(server.url, writes=BULLETIN)
        sender = RestSender(opened, Profile.model_validate({"writes": BULLETIN}))
        outcome = sender.post(Effect("key-1", "post_notice", {"partner_id": "1", "kind": "reminder"}))
        opened.close()
    assert outcome.result is Result.REJECTED
    assert "'values' of the profile has nothing for kind 'reminder'" in str(outcome.error)
    assert not server.asked


def test_keys_are_looked_up_all_in_one_parameter_where_the_profile_says_so() -> None:
    with Scripted([answer(b'{"items": [{"ref": {"external": "b"}, "no": 4}]}')]) as server:
        opened = client(server.url, writes=BULLETIN)
        sender = RestSender(opened, Profile.model_validate({"writes": BULLETIN}))
        found = sender.look_up(listed(sender), ["a", "b"])
        opened.close()
    assert found == {"b": "4"}
    assert [asked.line.split()[1] for asked in server.asked] == ["/grid/bulletins?refs=a%2Cb"]


def test_a_field_of_the_path_is_quoted_and_leaves_the_body() -> None:
    effect = Effect("key-2", "move_request", {"request_id": "R/1 ?x", "to_status": "accepted"})
    outcome, server = _post(answer(b"", "204 No Content", kind=None), effect)

    assert outcome.result is Result.ACCEPTED
    assert server.asked[0].line == "PATCH /v1/requests/R%2F1%20%3Fx HTTP/1.1"
    assert json.loads(server.asked[0].body) == {"to_status": "accepted"}


def test_an_answer_from_the_store_of_keys_is_known_as_a_replay() -> None:
    outcome, _ = _post(answer(b'{"notice_id": "N7"}', "201 Created", Idempotency_Replayed="true"))
    assert (outcome.result, outcome.is_replay) == (Result.ACCEPTED, True)


@pytest.mark.parametrize(
    ("step", "result", "is_target_down"),
    [
        (answer(b"{}", "400 No"), Result.REJECTED, False),
        (answer(b"{}", "403 No"), Result.REJECTED, False),
        (answer(b"{}", "404 No"), Result.REJECTED, False),
        (answer(b"{}", "410 Gone"), Result.REJECTED, False),
        (answer(b"{}", "409 Conflict"), Result.CONTESTED, False),
        (answer(b"{}", "422 Reused"), Result.CONTESTED, False),
        (answer(b"{}", "401 No"), Result.TRANSIENT, True),
        (answer(b"{}", "408 Slow"), Result.TRANSIENT, False),
        (answer(b"{}", "302 Found", Location="https://login.example.org"), Result.TRANSIENT, False),
        (answer(b"{}", "500 Oops"), Result.UNKNOWN, False),
        (answer(b"{}", "503 Busy"), Result.UNKNOWN, False),
        (hang_up, Result.UNKNOWN, False),
        (raw(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"), Result.UNKNOWN, False),
        (answer(b"<html>", "200 OK", kind="text/html"), Result.UNKNOWN, False),
        (answer(b"{}", "201 Created"), Result.UNKNOWN, False),
        (answer(b"[]", "201 Created"), Result.UNKNOWN, False),
        (answer(b'{"notice_id": "N1", "x": 1e400}', "201 Created"), Result.UNKNOWN, False),
        (answer(b'{"notice_id": "N\xff"}', "201 Created"), Result.UNKNOWN, False),
        (answer(b'{"notice_id": NaN}', "201 Created"), Result.UNKNOWN, False),
        (answer(b"", "201 Created"), Result.UNKNOWN, False),
    ],
)
def test_a_write_is_tried_once_and_classified(step: Step, result: Result, is_target_down: bool) -> None:
    outcome, server = _post(step)
    assert (outcome.result, outcome.is_target_down) == (result, is_target_down)
    assert outcome.error
    assert len(server.asked) == 1


def test_a_write_over_the_limit_says_how_long_to_wait() -> None:
    outcome, _ = _post(answer(b"{}", "429 Slow", Retry_After="30"))
    assert (outcome.result, outcome.retry_after_seconds) == (Result.TRANSIENT, 30)


def test_a_target_that_is_down_has_seen_nothing() -> None:
    with Scripted([answer()]) as server:
        url = server.url
    opened = client(url, writes=WRITES)
    outcome = RestSender(opened, Profile.model_validate({"writes": WRITES})).post(NOTICE)
    opened.close()
    assert (outcome.result, outcome.is_target_down) == (Result.TRANSIENT, True)


@pytest.mark.parametrize("step", [answer(b"{}", "400 No"), answer(b"{}", "500 No"), hang_up])
def test_without_a_token_nothing_was_sent(step: Step) -> None:
    with Scripted([step]) as server:
        opened = oauth(server.url, writes=WRITES)
        outcome = RestSender(opened, Profile.model_validate({"writes": WRITES})).post(NOTICE)
        opened.close()
    assert (outcome.result, outcome.is_target_down) == (Result.TRANSIENT, True)
    assert {asked.line.split()[1] for asked in server.asked} == {"/oauth2/token"}


@pytest.mark.parametrize(
    "effect",
    [
        Effect("k", "unheard_of", {}),
        Effect("k", "move_request", {"to_status": "x"}),
        Effect("k", "post_notice", {"version_no": "three"}),
    ],
)
def test_what_the_profile_cannot_say_is_rejected_without_being_sent(effect: Effect) -> None:
    outcome, server = _post(answer(), effect)
    assert outcome.result is Result.REJECTED
    assert server.asked == []


def listed(sender: RestSender) -> Listing:
    listing = sender.list_of("post_notice")
    assert listing is not None
    return listing


def test_keys_are_looked_up_in_batches_and_only_what_is_there_comes_back() -> None:
    pages = [
        answer(b'{"items": [{"external_key": "a", "notice_id": "N1"}, {"external_key": "other", "notice_id": "N9"}]}'),
        answer(b'{"items": []}'),
    ]
    with Scripted(pages) as server:
        opened = client(server.url, writes=WRITES)
        sender = RestSender(opened, Profile.model_validate({"writes": WRITES}))
        found = sender.look_up(listed(sender), ["a", "b", "c"])
        opened.close()
    assert found == {"a": "N1"}
    assert [asked.line.split()[1] for asked in server.asked] == [
        "/v1/notices?external_key=a&external_key=b",
        "/v1/notices?external_key=c",
    ]


def test_a_failed_look_up_is_not_an_empty_one() -> None:
    with Scripted([answer(b'{"rows": []}')]) as server:
        opened = client(server.url, writes=WRITES)
        sender = RestSender(opened, Profile.model_validate({"writes": WRITES}))
        with pytest.raises(SourceError, match="another page than the profile says"):
            sender.look_up(listed(sender), ["a"])
        opened.close()
