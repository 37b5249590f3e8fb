"""Mapping: what a canonical field is made of, seen where it is used: in the staged records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import Server, Tenant

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
GERMAN = {"cast": "instant", "format": "%d.%m.%Y %H:%M"}


def staged(folder: Path, records: list[Any], stream: str, mapping: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    system = "vip" if stream in {"assets", "access_events", "deliveries"} else "trading_grid"
    with Server(lambda _: {"items": records}) as server:
        profile = {"streams": {stream: {**SINGLE, "mapping": mapping, **more}}}
        tenant = Tenant(folder, server.url, profile, streams=(stream,), system=system)
        tenant.pull_well()
    return tenant.rows(stream)


@pytest.mark.parametrize(
    ("record", "rule", "title"),
    [
        ({"a": {"b": "x"}}, "a.b", "x"),
        ({"a": {"b": None}}, "a.b", None),
        ({"a.b": {"c": 5}}, ["a.b", "c"], "5"),
        ({"a": [{"b": "x"}, {"b": "y"}]}, "a[1].b", "y"),
        ({"a": [{"k": "p", "v": "1"}, {"k": "q", "v": "2"}]}, "a[k=q].v", "2"),
        ({"a": [{"k": "p", "v": "1"}]}, "a[k=z].v", None),
        ({"a": "no list"}, "a[k=z].v", None),
        ({"a": None, "b": "y"}, {"first_of": ["a", "b"]}, "y"),
        ({"a": "x", "b": {"c": 7}}, {"template": "{a}/{b.c}"}, "x/7"),
        ({"a": "x"}, {"template": "{a}/{b.c}"}, None),
        ({}, {"constant": "it's"}, "it's"),
        ({"a": "v12"}, {"path": "a", "extract": "v([0-9]+)"}, "12"),
        ({"a": "twelve"}, {"path": "a", "extract": "v([0-9]+)"}, "twelve"),
        ({"a": "A"}, {"path": "a", "map": {"A": "yes", "~": "none"}}, "yes"),
        ({"a": None}, {"path": "a", "map": {"A": "yes", "": "none"}}, "none"),
        ({"a": True}, {"path": "a", "map": {"true": "on"}}, "on"),
        ({"a": "Z"}, {"path": "a", "map": {"A": "yes"}, "unknown": "keep"}, "Z"),
        ({"a": None}, {"path": "a", "default": "nothing"}, "nothing"),
        ({"a": "x", "b": 1}, {"path": "a", "only_if": {"path": "b", "one_of": [1]}}, "x"),
        ({"a": "x", "b": 2}, {"path": "a", "only_if": {"path": "b", "one_of": [1]}}, None),
        ({"a": "x", "b": 2}, {"path": "a", "only_if": {"path": "b", "none_of": [1, None]}}, "x"),
        ({"a": "x"}, {"path": "a", "only_if": {"path": "b", "none_of": [1, None]}}, None),
        ({"a": "x"}, {"path": "a", "only_if": {"path": "b", "is": "absent"}}, "x"),
        ({"a'\"b": "x"}, ["a'\"b"], "x"),
        ({"größe": {"日本": "x"}}, "größe.日本", "x"),
        ({"a\\b": "x"}, ["a\\b"], "x"),
        ({"a b": "x"}, "a b", "x"),
        ({"$a*": "x"}, "$a*", "x"),
        ({"l": [{"k": "o'clock", "v": "x"}]}, "l[k=o'clock].v", "x"),
        ({"l": [{"k": 5, "v": "x"}]}, "l[k=5].v", "x"),
        ({"a": "it's"}, {"path": "a", "map": {"it's": "so"}}, "so"),
        ({"a": "x'y"}, {"path": "a", "extract": "x'(.)"}, "y"),
        ({"a": "x"}, {"template": "it's {a}"}, "it's x"),
        ({"a": "'; drop table x; --"}, "a", "'; drop table x; --"),
    ],
)
def test_a_text_is_made_as_its_rule_says(tmp_path: Path, record: Any, rule: Any, title: str | None) -> None:
    (row,) = staged(tmp_path, [{"id": "1", **record}], "assets", {"asset_id": "id", "title": rule})
    assert (row["rejected_because"], row["title"]) == (None, title)


@pytest.mark.parametrize(
    ("value", "rule", "instant"),
    [
        (1772434800, {"cast": "epoch_seconds"}, "2026-03-02 07:00:00+00"),
        (1772434800.25, {"cast": "epoch_seconds"}, "2026-03-02 07:00:00.25+00"),
        ("1772434800123", {"cast": "epoch_milliseconds"}, "2026-03-02 07:00:00.123+00"),
        (-1, {"cast": "epoch_seconds"}, "1969-12-31 23:59:59+00"),
        ("02.03.2026 08:00", {**GERMAN, "zone": "Europe/Berlin"}, "2026-03-02 07:00:00+00"),
        ("02.03.2026 08:00", GERMAN, "2026-03-02 08:00:00+00"),
        ("29.03.2026 02:30", {**GERMAN, "zone": "Europe/Berlin"}, "2026-03-29 01:30:00+00"),
        ("20260302T080000+0100", {"cast": "instant", "format": "%Y%m%dT%H%M%S%z"}, "2026-03-02 07:00:00+00"),
        ("99999999999999999999", {"cast": "epoch_seconds"}, None),
        ("soon", {"cast": "epoch_milliseconds"}, None),
        ("tomorrow", {"cast": "instant", "format": "%d.%m.%Y"}, None),
    ],
)  # fmt: skip
def test_instants_are_read_in_every_spelling_and_what_is_none_is_rejected_as_such(
    tmp_path: Path, value: Any, rule: dict[str, Any], instant: str | None
) -> None:
    with Server(lambda _: {"items": [{"asset_id": "1", "t": value}]}) as server:
        mapping = {"updated_at": {"path": "t", **rule}}
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": {**SINGLE, "mapping": mapping}}})
        tenant.pull_well()
    (row,) = tenant.rows("assets", "updated_at::varchar as at, rejected_because as why")
    assert row == {"at": instant, "why": None if instant else "updated_at is not an instant"}


def test_numbers_truths_and_lists_are_read_as_sources_write_them(tmp_path: Path) -> None:
    event = {"event_id": "e", "event_type": "opened", "asset_id": "a", "occurred_at": "2026-03-01T00:00:00Z"}
    rows = staged(
        tmp_path / "events",
        [{**event, "v": v} for v in (3, "+4", " 5 ", "six")],
        "access_events",
        {"version_no": {"path": "v", "cast": "integer"}},
    )
    assert [row["version_no"] for row in rows] == [3, 4, 5, None]
    assert rows[-1]["rejected_because"] == "version_no is not a whole number"

    partners = staged(
        tmp_path / "partners",
        [{"id": str(n), "a": a} for n, a in enumerate(["ZZ:A; ZZ:B", ["ZZ:A"], None, [{"x": 1}]])],
        "partners",
        {"partner_id": "id", "trading_addresses": {"path": "a", "cast": "texts", "separator": ";"}},
    )
    assert [row["trading_addresses"] for row in partners] == [["ZZ:A", "ZZ:B"], ["ZZ:A"], None, ['{"x":1}']]

    users = staged(
        tmp_path / "users",
        [{"user_id": "u", "r": [{"n": "admin"}, {"n": "buyer"}]}, {"user_id": "v", "r": "admin"}],
        "partner_users",
        {"roles": "r[*].n"},
    )
    assert [row["roles"] for row in users] == [["admin", "buyer"], None]

    acks = staged(
        tmp_path / "acks",
        [{"ack_id": str(n), "partner_id": "p", "kind": "read", "occurred_at": "2026-03-01", "c": c} for n, c in
         enumerate(["Y", "no", 1, "maybe"])],
        "acknowledgments",
        {"covers_children": {"path": "c", "cast": "boolean"}},
    )  # fmt: skip
    assert [row["covers_children"] for row in acks] == [True, False, True, None]


def test_a_value_that_the_map_does_not_know_quarantines_its_record_with_the_reason(tmp_path: Path) -> None:
    rule = {"path": "s", "map": {"A": "approved", "W": "withdrawn"}}
    records = [{"asset_id": "1", "s": "A"}, {"asset_id": "2", "s": "X"}, {"asset_id": "3"}]
    rows = staged(tmp_path, records, "assets", {"status": rule})
    assert [row["rejected_because"] for row in rows] == [
        None,
        "status has a value that the profile's map does not know; it knows A, W",
        None,
    ]


def test_a_field_that_nobody_maps_is_kept_or_quarantines_its_record(tmp_path: Path) -> None:
    records = [{"id": "1", "title": "x"}, {"id": "2", "colour": "red", "size": 1}]
    kept = staged(tmp_path / "keep", records, "assets", {"asset_id": "id"})
    assert [row["rejected_because"] for row in kept] == [None, None]
    rows = staged(tmp_path / "not", records, "assets", {"asset_id": "id"}, unknown_fields="quarantine")
    assert [row["rejected_because"] for row in rows] == [
        None,
        "it has a field that the profile does not know: colour, size",
    ]


def test_records_of_another_kind_are_counted_on_their_page_and_not_landed(tmp_path: Path) -> None:
    stream = {**SINGLE, "keep": {"path": "kind", "one_of": ["asset"]}}
    items = [{"asset_id": "1", "kind": "asset"}, {"asset_id": "2", "kind": "folder"}, {"asset_id": "3"}]
    with Server(lambda _: {"items": items}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        tenant.pull_well()
    assert [record["asset_id"] for record in tenant.landed()] == ["1"]
    (page,) = tenant.pages()
    assert (page["records"], page["request"]["left_out"]) == (1, "2")


def test_a_corrected_mapping_counts_for_what_comes_after_it(tmp_path: Path) -> None:
    with Server(lambda _: {"items": [{"id": "1", "name": "x", "label": "y"}]}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {**SINGLE, "mapping": {"asset_id": "id", "title": "name"}}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.write_profile({"defaults": {**SINGLE, "mapping": {"asset_id": "id", "title": "label"}}})
        tenant.pull_well()
    assert [row["title"] for row in tenant.rows("assets")] == ["x", "y"]
