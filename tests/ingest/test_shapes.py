"""What records look like, seen as they land: every field, and the kinds of values in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.canonical import Hasher
from pipeline.enumerations import ENUMERATIONS
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.landing import read_lines
from pipeline.ingest.pages import Item, Unreadable
from pipeline.ingest.shapes import ABSENT, MOST_FIELDS, SAMPLED, Shapes
from pipeline.streams import STREAMS
from tests.ingest.making import Desk

CONTRACTS = Path(__file__).parents[2] / "connections"


def raw(*records: Any) -> list[bytes]:
    return [json.dumps(record, separators=(",", ":")).encode() for record in records]


def test_each_field_is_told_once_with_each_kind_of_value() -> None:
    shapes = Shapes()
    first = shapes.news(raw({"a": 1, "b": {"c": [1], "d": None}}, {"a": "x", "b": {"c": [], "d": True}}), frozenset())
    assert first == [
        ("a", "number"),
        ("a", "text"),
        ("b", "object"),
        ("b.c", "list"),
        ("b.d", "boolean"),
        ("b.d", "null"),
    ]
    assert shapes.news(raw({"a": 2, "b": {"c": [2], "d": None}}), frozenset()) == []
    assert shapes.news(raw({"a": 1.5, "z": "new"}), frozenset()) == [
        ("b", ABSENT),
        ("b.c", ABSENT),
        ("b.d", ABSENT),
        ("z", ABSENT),
        ("z", "text"),
    ]
    assert shapes.kinds["a"] == ["number", "text"]


def test_a_name_that_one_record_of_many_has_is_not_missed() -> None:
    hasher, shapes = Hasher(), Shapes()
    plain = [{"a": number} for number in range(1000)]
    records = raw(*plain)
    hasher.hashes(records)
    shapes.news(records, hasher.names)
    for place in (0, 1, SAMPLED + 1, 501, 999):
        name = f"rare_{place}"
        records = raw(*plain[:place], {"a": 1, name: "x"}, *plain[place + 1 :])
        hasher.hashes(records)
        assert (name, "text") in shapes.news(records, hasher.names)


def test_what_nobody_can_read_has_no_shape() -> None:
    items: list[Item] = [Unreadable(b"{", "torn"), b"not json", b"[1]", b'"text"', b'{"a":1}']
    assert Shapes().news(items, frozenset()) == [("a", "number")]


def test_a_stream_of_ever_new_names_is_looked_at_no_further() -> None:
    shapes = Shapes()
    for number in range(2 * MOST_FIELDS):
        shapes.news(raw({f"n{number}": 1, "x" * 1000: 2}), frozenset())
    assert len(shapes.kinds) == MOST_FIELDS
    assert max(map(len, shapes.kinds)) == 200


def test_a_page_says_what_no_page_before_it_had(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("assets/1.ndjson", '{"asset_id":"a"}\n')
    desk.write("assets/2.ndjson", '{"asset_id":"b"}\n')
    desk.write("assets/3.ndjson", '{"asset_id":"c","colour":"red"}\n')
    outcome = desk.pull()
    assert outcome.shapes["assets"] == {"asset_id": ["text"], "colour": [ABSENT, "text"]}
    told = [line.get("shapes") for line in desk.page_lines("assets")]
    assert told == [
        [{"field": "asset_id", "kind": "text"}],
        None,
        [{"field": "colour", "kind": ABSENT}, {"field": "colour", "kind": "text"}],
    ]
    (chunk,) = [chunk for chunk in landed_chunks(desk.journal) if chunk.stream == "assets"]
    assert chunk.chunk.format == "2"
    assert b"red" not in json.dumps(list(read_lines(desk.home.landing / chunk.pages_file))).encode()


@pytest.mark.parametrize("system", ["vip", "trading_grid"])
def test_the_enumerations_are_those_of_the_contracts(system: str) -> None:
    schemas = yaml.safe_load((CONTRACTS / system / "openapi.yaml").read_text(encoding="utf-8"))["components"]["schemas"]
    listed = {tuple(one) for one in _enums(schemas)}
    for (stream, field), values in ENUMERATIONS.items():
        assert field in STREAMS[stream].field_names
        if STREAMS[stream].system.value == system:
            assert values in listed, f"{stream}.{field}"


def _enums(node: Any) -> list[list[str]]:
    if isinstance(node, list):
        return [found for part in node for found in _enums(part)]
    if not isinstance(node, dict):
        return []
    own = [[value for value in node["enum"] if value is not None]] if isinstance(node.get("enum"), list) else []
    return own + [found for part in node.values() for found in _enums(part)]
