"""Records nested in records, from the first look at an API to the tables: what a person is told on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.home import Home
from pipeline.settings import load_settings
from resources.workspace import Workspace
from tests.connections.making import SECRET, Asked, Server
from tests.connections.test_terminal import Desk

SHELVES: list[dict[str, Any]] = [
    {
        "shelf": f"S{n}",
        "market": {"code": "DE"},
        "keeper": "ann@example.org",
        "books": [{"isbn": f"A{n}{k}", "name": f"Poster {k}"} for k in range(n)],
    }
    for n in range(4)
]


def answering(asked: Asked) -> Any:
    if asked.path == "/v1/grants":
        return {"items": []}
    page = int(asked.query.get("page", "1"))
    return {"requested_by": "eve@example.org", "shelves": SHELVES[2 * page - 2 : 2 * page]}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("TENANT_TOKEN", SECRET)
    with Server(answering) as server:
        yield Desk(tmp_path, server.url, capsys)


def test_from_a_list_in_a_list_to_the_tables(desk: Desk) -> None:
    desk.write(records="shelves", mapping={"asset_id": "isbn"})
    code, said = desk.run("connect", "check", "vip", "assets")
    assert code == 1
    assert "missing in every record, and required: asset_id" in said
    assert "lists of objects in the records: books; 'nested' makes records of them." in said
    assert (
        "seems personal beside the records, and 'page_personal' does not say what is done with it: requested_by" in said
    )

    nested = {"records": "books", "inherit": {"product_line": "shelf"}}
    words: dict[str, Any] = {
        "records": "shelves",
        "nested": [nested],
        "page_personal": {"requested_by": "drop"},
        "mapping": {"asset_id": "isbn", "title": "name"},
    }
    desk.write(**words)
    code, said = desk.run("connect", "check", "vip", "assets")
    assert code == 0
    assert "in what holds the records, and not inherited: market.code, keeper." in said
    assert "requested_by" not in said
    assert "('inherit' brings it in)" in desk.run("connect", "map", "vip", "assets")[1]
    assert '1. {"product_line":"S1"' in desk.run("connect", "sample", "vip", "assets")[1]

    settings = load_settings(desk.folder / "vipgrid.yaml")
    home = Home((desk.folder / "home").resolve())
    desk.sync("2026-03-02T08:00:00Z")
    desk.sync("2026-03-02T09:00:00Z")
    with Workspace.open(settings, home, what="look", actor="tests", is_journalled=False) as workspace:
        rows = workspace.connection.sql("select asset_id, title, product_line from core.assets order by 1").fetchall()
        balance = workspace.connection.sql(
            "select turn_no, page_no, fetched, new, new_editions, duplicates, quarantined from ops.pages"
            " where stream = 'assets' order by all"
        ).fetchall()
    assert rows == [(f"A{n}{k}", f"Poster {k}", f"S{n}") for n in range(4) for k in range(n)]
    assert balance == [
        (1, 1, 1, 1, 0, 0, 0),
        (1, 2, 5, 5, 0, 0, 0),
        (1, 3, 0, 0, 0, 0, 0),
        (2, 1, 1, 0, 0, 1, 0),
        (2, 2, 5, 0, 0, 5, 0),
        (2, 3, 0, 0, 0, 0, 0),
    ]


def test_a_stream_that_is_asked_for_each_element_of_a_list_is_tried_from_the_first_of_its_own_pages(desk: Desk) -> None:
    each = {"path": "/shelves", "records": "shelves", "gives": {"brand": "shelf"}, "paging": {"kind": "page_number"}}
    desk.write(path="/v1/{brand}", records="shelves", each=each, mapping={"asset_id": "market.code"})
    code, said = desk.run("connect", "check", "vip", "assets")
    assert code == 0
    assert "unknown, read by nobody: shelf, keeper, books, books[*].isbn, books[*].name." in said
    assert '1. {"brand":"S0","shelf": "S0"' in desk.run("connect", "sample", "vip", "assets", "--records", "1")[1]
