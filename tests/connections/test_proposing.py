"""Paths, and what a tenant's fields are taken for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.ingest.paths import found_at, parse_path, put_at, spelled
from pipeline.ingest.proposing import leaves, proposals
from pipeline.streams import STREAMS

VALUE = {"a": {"b": [{"k": "x", "v": 1}, {"k": "y", "v": [2, 3]}]}, "c.d": 5, "n": None}


@pytest.mark.parametrize(
    ("text", "steps", "found"),
    [
        ("a.b[0].v", ("a", "b", "[0]", "v"), 1),
        ("a.b[k=y].v[1]", ("a", "b", "[k=y]", "v", "[1]"), 3),
        ("a.b[*].k", ("a", "b", "[*]", "k"), ["x", "y"]),
        ("a.b[7].v", ("a", "b", "[7]", "v"), None),
        ("n.x", ("n", "x"), None),
        ("", (), VALUE),
    ],
)
def test_a_path_is_read_followed_and_spelled(text: str, steps: tuple[str, ...], found: Any) -> None:
    assert parse_path(text) == steps
    assert found_at(VALUE, steps) == found
    assert spelled(steps) == text


@pytest.mark.parametrize("text", ["a..b", ".a", "a.", "a[", "a[x]", "a[]b"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        parse_path(text)


def test_a_value_is_put_where_nothing_is_yet_and_nowhere_else() -> None:
    body: dict[str, Any] = {"q": {"ranges": [{"field": "at"}]}}
    put_at(body, parse_path("q.ranges[0].from"), 5)
    put_at(body, parse_path("q.ranges[1].to"), 6)
    put_at(body, parse_path("page.size"), 7)
    assert body == {"q": {"ranges": [{"field": "at", "from": 5}, {"to": 6}]}, "page": {"size": 7}}
    with pytest.raises(ValueError, match="nothing can be put at"):
        put_at(body, parse_path("q.ranges.x"), 8)


def _proposed(stream: str, *records: dict[str, Any]) -> dict[str, Any]:
    found = leaves([json.dumps(record).encode() for record in records])
    names = STREAMS[stream].field_names
    return {one.field.name: one.rule for one in proposals(STREAMS[stream], names, found)}


def test_fields_are_proposed_by_name_and_by_the_look_of_their_values() -> None:
    event = {
        "eventId": "e1",
        "dateTime": "2026-03-01T00:00:00Z",
        "assetId": "A",
        "user": {"id": "U", "companyId": "P"},
        "version": {"number": "3"},
        "recordedOn": 1772434800000,
    }
    assert _proposed("access_events", event) == {
        "event_id": "eventId",
        "asset_id": "assetId",
        "partner_id": "user.companyId",
        "user_id": "user.id",
        "version_no": {"path": "version.number", "cast": "integer"},
        "recorded_at": {"path": "recordedOn", "cast": "epoch_milliseconds"},
    }


def test_a_name_that_fits_is_not_proposed_for_values_that_do_not() -> None:
    assert _proposed("assets", {"updatedAt": "yes", "title": "2026-03-01T00:00:00Z", "createdAt": 5}) == {}


@pytest.mark.parametrize(
    ("record", "personal"),
    [
        ({"email": "x"}, True),
        ({"owner": "ann@example.org"}, True),
        ({"from": "192.168.1.77"}, True),
        ({"contact": "+49 (0)89 1234567"}, True),
        ({"ipAddress": "?"}, True),
        ({"shipping": "fast"}, False),
        ({"description": "a long text"}, False),
        ({"at": "2026-03-01T00:00:00Z"}, False),
        ({"day": "2026-03-01"}, False),
        ({"sku": "4006381333931"}, False),
        ({"emailVerified": True}, False),
        ({"email": "pn-0123456789abcdef0123456789abcdef"}, True),
    ],
)
def test_what_seems_personal_is_told(record: dict[str, Any], personal: bool) -> None:
    (leaf,) = leaves([json.dumps(record).encode()])
    assert leaf.is_personal is personal
