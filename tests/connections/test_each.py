"""Streams that are asked for once for each element of another list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from tests.connections.making import NOW, Asked, Reply, Server, Tenant

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
EACH: dict[str, Any] = {
    "path": "/media",
    "records": "media",
    "keep": {"path": "kind", "none_of": ["folder"]},
    "paging": {"kind": "page_number"},
    "gives": {"asset_id": "uid"},
}
VERSIONS: dict[str, Any] = {
    "path": "/media/{asset_id}/editions",
    "each": EACH,
    "records": "editions",
    "paging": {"kind": "page_number", "pages": "pages"},
    "mapping": {"version_no": "no", "approval_status": {"constant": "approved"}},
}


class Shelf:
    """Media on two pages, each with two pages of editions; ``asked`` for them by their ids."""

    def __init__(self) -> None:
        self.media: list[Any] = [{"uid": "a/1"}, {"uid": 2}, {"uid": 3, "kind": "folder"}, {"uid": "a/1"}]

    def __call__(self, asked: Asked) -> Any:
        page = int(asked.query.get("page", "1"))
        if asked.path == "/media":
            return {"media": self.media[2 * page - 2 : 2 * page], "owner": "ann@example.org"}
        if asked.path.startswith("/media/gone"):
            return Reply({}, status=404)
        return {"editions": [{"no": page, "sum": "x"}], "pages": 2}


def test_each_element_is_asked_once_and_its_records_inherit_what_it_gives(tmp_path: Path) -> None:
    with Server(Shelf()) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"asset_versions": VERSIONS}}, streams=("asset_versions",))
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    asked = [asked.path for asked in server.asked]
    assert asked[: len(asked) // 2] == ["/media"] * 3 + ["/media/a%2F1/editions"] * 2 + ["/media/2/editions"] * 2
    assert tenant.landed("asset_versions", turn=1) == [
        {"asset_id": asset_id, "no": no, "sum": "x"} for asset_id in ("a/1", 2) for no in (1, 2)
    ]
    pages = tenant.pages("asset_versions", turn=1)
    assert [(page["records"], page["request"].get("each")) for page in pages] == [
        (0, "2"),
        (0, "1"),
        (0, "0"),
        *[(1, None)] * 4,
    ]
    assert "ann@example.org" not in str(pages)
    rows = tenant.rows("asset_versions", "asset_id, version_no")
    assert {tuple(row.values()) for row in rows} == {("a/1", 1), ("a/1", 2), ("2", 1), ("2", 2)}
    with tenant.computed("ops.pages") as connection:
        counts = "turn_no, sum(fetched)::int, sum(new)::int, sum(duplicates)::int, sum(quarantined)::int"
        found = connection.sql(f"select {counts} from ops.pages group by 1 order by 1").fetchall()
    assert found == [(1, 4, 4, 0, 0), (2, 4, 0, 4, 0)]


def test_what_is_given_may_be_a_parameter_and_changes_may_be_asked_for(tmp_path: Path) -> None:
    stream = {
        **VERSIONS,
        **SINGLE,
        "method": "POST",
        "path": "/editions/search",
        "body": {"where": {"live": True}},
        "each": {**EACH, "params": {"where.media": "asset_id"}},
        "incremental": {"param": "where.since", "format": "epoch_seconds"},
    }
    with Server(Shelf()) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"asset_versions": stream}}, streams=("asset_versions",))
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    since = {"since": int(NOW.timestamp()) - 3600}
    assert [asked.json["where"] for asked in server.asked if asked.method == "POST"] == [
        {"live": True, "media": media, **more} for more in ({}, since) for media in ("a/1", 2)
    ]


def test_an_element_that_is_gone_meanwhile_may_be_ignored(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.media[1] = {"uid": "gone"}
    with Server(shelf) as server:
        ignored = {**VERSIONS, "errors": [{"status": [404], "do": "ignore"}]}
        tenant = Tenant(tmp_path, server.url, {"streams": {"asset_versions": ignored}}, streams=("asset_versions",))
        tenant.pull_well()
        assert len(tenant.landed("asset_versions")) == 2
        tenant.next_turn()
        tenant.write_profile({"streams": {"asset_versions": VERSIONS}})
        assert "refused with 404" in tenant.error("asset_versions")


@pytest.mark.parametrize(
    "element", [{}, {"uid": None}, {"uid": ""}, {"uid": ".."}, {"uid": {"x": 1}}, {"uid": True}, 5]
)
def test_an_element_without_what_it_gives_fails_the_stream_because_its_records_would_be_lost(
    tmp_path: Path, element: Any
) -> None:
    shelf = Shelf()
    shelf.media[0] = element
    with Server(shelf) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"asset_versions": VERSIONS}}, streams=("asset_versions",))
        said = tenant.error("asset_versions")
    assert "an element of the list of 'each' has no text or number at uid" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"path": "/editions"}, "'path' has none of what 'each' gives ({asset_id})"),
        ({"each": {**EACH, "params": {"m": "media"}}}, "'params' names media, which 'gives' does not"),
        ({"each": {**EACH, "gives": {"a.b": "uid"}}}, "'a.b' is to be a name at the top"),
        ({"incremental": {"kind": "token", "param": "t"}}, "changes are asked for by instants without 'cursor'"),
        ({"paging": {"kind": "stateful_scroll"}}, "a scroll whose place the source keeps exclude each other"),
        ({"personal": {"asset_id": "drop"}}, "asset_id is personal, and would be kept in the addresses"),
        ({"inherit": {"asset_id": "x"}}, "asset_id is there twice"),
        (
            {"each": {**EACH, "paging": {"kind": "time_window", "step": "1d"}}},
            "the list of 'each' is read whole, not by time_window",
        ),
    ],
)
def test_what_each_cannot_be_with_is_said(tmp_path: Path, words: dict[str, Any], said: str) -> None:
    profile = {"streams": {"asset_versions": {**VERSIONS, **words}}}
    tenant = Tenant(tmp_path, "http://127.0.0.1:9", profile, streams=("asset_versions",))
    with pytest.raises(ConfigurationError) as caught:
        tenant.pull()
    assert said in str(caught.value)
    assert "streams.asset_versions" in str(caught.value)
