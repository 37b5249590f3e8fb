"""Look-ups that are no plain list with keys in the query: posted, as GraphQL, by path, and what their answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.actions.senders import Listing
from pipeline.errors import SourceError
from pipeline.ingest.profile import Profile
from resources.rest_writes import RestSender
from tests.rest.making import client
from tests.rest.scripted import Scripted, Step, answer


def found(lookup: dict[str, Any], keys: list[str], *steps: Step) -> tuple[dict[str, str], Scripted]:
    writes = {"post_notice": {"path": "/n", "id": "nr", "lookup": lookup}}
    with Scripted(steps) as server:
        opened = client(server.url, writes=writes)
        sender = RestSender(opened, Profile.model_validate({"writes": writes}))
        listing = sender.list_of("post_notice")
        assert listing is not None
        try:
            return dict(sender.look_up(listing, keys)), server
        finally:
            opened.close()


def test_keys_are_posted_as_a_list_at_a_path_of_the_body() -> None:
    lookup = {
        "method": "POST",
        "path": "/search",
        "query": {"view": "short"},
        "headers": {"X-View": "keys"},
        "body": {"filter": {"kind": "bulletin"}},
        "param": "filter.refs",
        "records": "found.rows",
        "key": "ref.ours",
        "id": "nr",
        "batch": 2,
    }
    first = answer(b'{"found": {"rows": [{"ref": {"ours": "a"}, "nr": 7}, {"ref": {"ours": "z"}, "nr": 8}]}}')
    known, server = found(lookup, ["a", "b", "c"], first, answer(b'{"found": {"rows": []}}'))
    assert known == {"a": "7"}
    assert [asked.line for asked in server.asked] == ["POST /search?view=short HTTP/1.1"] * 2
    assert [json.loads(asked.body) for asked in server.asked] == [
        {"filter": {"kind": "bulletin", "refs": keys}} for keys in (["a", "b"], ["c"])
    ]
    assert server.asked[0].headers["x-view"] == "keys"


@pytest.mark.parametrize(
    ("words", "sent"), [({"batch": 1}, ["a", "b"]), ({"separator": "|"}, ["a|b"]), ({}, [["a", "b"]])]
)
def test_in_a_body_keys_are_a_list_or_one_text(words: dict[str, Any], sent: list[Any]) -> None:
    lookup = {"method": "POST", "path": "/s", "param": "q", "id": "nr", **words}
    _, server = found(lookup, ["a", "b"], answer(b'{"items": []}'))
    assert [json.loads(asked.body)["q"] for asked in server.asked] == sent


def test_graphql_takes_the_keys_among_its_variables() -> None:
    lookup = {
        "path": "/graphql",
        "graphql": {"query": "query($refs: [ID!]) { x }", "variables": {"where": {"open": True}}},
        "param": "where.refs",
        "records": "data.notices.edges",
        "key": "node.ref",
        "id": "node.id",
    }
    known, server = found(
        lookup, ["a"], answer(b'{"data": {"notices": {"edges": [{"node": {"ref": "a", "id": "N"}}]}}}')
    )
    assert known == {"a": "N"}
    assert json.loads(server.asked[0].body) == {
        "query": "query($refs: [ID!]) { x }",
        "variables": {"where": {"open": True, "refs": ["a"]}},
    }


def test_one_key_may_stand_in_the_path_and_404_may_mean_that_it_is_not_there() -> None:
    rule = {"status": [404], "do": "ignore"}
    lookup = {"path": "/n/by-ref/{key}", "one_record": True, "records": "", "id": "nr", "errors": [rule]}
    steps = [answer(b'{"nr": 5}'), answer(b'{"problem": "no such bulletin"}', "404 Not Found")]
    known, server = found(lookup, ["a/1", "b"], *steps)
    assert known == {"a/1": "5"}
    assert [asked.line.split()[1] for asked in server.asked] == ["/n/by-ref/a%2F1", "/n/by-ref/b"]


def test_records_by_their_keys_and_an_answer_with_none() -> None:
    lookup = {"path": "/n", "records": "by_ref", "key_as": "ref", "key": "ref", "id": "nr", "may_be": ["absent"]}
    known, _ = found(lookup, ["a", "b"], answer(b'{"by_ref": {"b": {"nr": 4}}}'))
    assert known == {"b": "4"}
    assert found(lookup, ["a"], answer(b'{"by_ref": null}'))[0] == {}


def test_a_look_up_that_says_busy_in_a_success_is_asked_again() -> None:
    rule = {"body": {"path": "errors[0].code", "one_of": ["BUSY"]}, "do": "retry"}
    lookup = {"path": "/n", "key": "ref", "id": "nr", "errors": [rule]}
    known, server = found(
        lookup, ["a"], answer(b'{"errors": [{"code": "BUSY"}]}'), answer(b'{"items": [{"ref": "a", "nr": 1}]}')
    )
    assert (known, len(server.asked)) == ({"a": "1"}, 2)


@pytest.mark.parametrize("body", [b'{"items": [], "errors": ["x"]}', b'{"items": [5', b'{"items": [NaN]}', b"{}"])
def test_a_look_up_that_nobody_understands_says_nothing_of_what_is_there(body: bytes) -> None:
    with pytest.raises(SourceError):
        found({"path": "/n", "key": "ref", "id": "nr"}, ["a"], answer(body))


def test_operations_that_are_looked_up_alike_share_a_list_and_others_on_the_same_path_do_not() -> None:
    def graphql(name: str) -> dict[str, Any]:
        return {"path": "/graphql", "graphql": {"query": name}, "id": "id"}

    lookups = {"post_notice": "a", "create_comment": "a", "create_delivery": "b"}
    writes = {name: {"path": "/graphql", "lookup": graphql(query)} for name, query in lookups.items()}
    opened = client("http://127.0.0.1:9", writes=writes)
    sender = RestSender(opened, Profile.model_validate({"writes": writes}))
    opened.close()
    assert [sender.list_of(name) for name in lookups] == [
        Listing("post_notice"),
        Listing("post_notice"),
        Listing("create_delivery"),
    ]
