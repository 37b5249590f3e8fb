"""The page loop: every kind of paging, where a pull starts, and pages that lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.home import Home
from pipeline.ingest.client import Answer, GoneError, ReadRequest
from pipeline.ingest.landed import landed_chunks, last_pulls
from pipeline.ingest.landing import read_lines
from pipeline.ingest.pull import PullOutcome, pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import TURN_COMPLETED, Turn, open_turn
from pipeline.settings import Settings

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
URL = "http://127.0.0.1:1"
Reply = Callable[[str, dict[str, str]], dict[str, Any] | list[Any]]


class FakeClient:
    """Answers from a function of path and query."""

    def __init__(
        self,
        reply: Reply,
        headers: Callable[[dict[str, str]], dict[str, str]] | None = None,
        *,
        waited_seconds: float = 0.0,
    ) -> None:
        self._reply = reply
        self._waited_seconds = waited_seconds
        self._headers = headers or (lambda _query: {})
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.is_closed = False

    def ask(self, request: ReadRequest, *, what: str) -> Answer:
        assert what in {"assets", "the number of assets"}
        path, query = request.path, request.query
        self.asked.append((path, dict(query)))
        page = self._reply(path, dict(query))
        url = path if path.startswith("http") else URL + path
        return Answer(
            url=url.partition("?")[0],
            query=tuple(query),
            status=200,
            headers={"date": "Mon, 02 Mar 2026 08:00:00 GMT", **self._headers(dict(query))},
            body=json.dumps(page).encode(),
            received_at=NOW,
            waited_seconds=self._waited_seconds,
        )

    def close(self) -> None:
        self.is_closed = True


class Desk:
    """A state folder and one connection with a profile."""

    def __init__(self, folder: Path, profile: dict[str, Any]) -> None:
        self.home = Home(folder / "var")
        self.home.make()
        self.journal = Journal(self.home.ledger)
        (folder / "p.yaml").write_text(json.dumps(profile))
        rest = {"kind": "rest", "profile": "p.yaml", "base_url": URL, "safety_lag": "2h", "streams": ["assets"]}
        self.settings = Settings.model_validate({"connections": {"vip": rest}, "folder": folder})
        self.now = NOW

    def turn(self) -> Turn:
        return open_turn(self.journal, self.now, self.now)

    def next_turn(self, after: timedelta = timedelta(hours=1)) -> None:
        last = self.turn()
        self.journal.append([last.draft(TURN_COMPLETED, {"turn": str(last.number)})])
        self.now += after

    def pull(self, client: FakeClient) -> PullOutcome:
        return pull_connection(
            "vip", self.settings, self.home, self.journal, self.turn(), client_factory=lambda *_: client
        )

    def ids(self) -> list[int]:
        chunks = landed_chunks(self.journal)
        return [line["r"]["n"] for chunk in chunks for line in read_lines(self.home.landing / chunk.file)]

    def page_lines(self) -> list[dict[str, Any]]:
        chunks = landed_chunks(self.journal)
        return [line for chunk in chunks for line in read_lines(self.home.landing / chunk.pages_file)]


def _rows(start: int, count: int = 2, total: int = 5) -> list[dict[str, int]]:
    return [{"n": n} for n in range(start, min(start + count, total))]


def _by_cursor(_path: str, query: dict[str, str]) -> dict[str, Any]:
    start = int(query.get("cursor", "0"))
    has_more = start + 2 < 5
    return {"items": _rows(start), "next_cursor": str(start + 2) if has_more else None, "has_more": has_more}


def _by_bare_cursor(_path: str, query: dict[str, str]) -> dict[str, Any]:
    start = int(query.get("after", "0"))
    return {"items": _rows(start), "meta": {"after": start + 2 if start + 2 < 5 else None}}


def _by_number(_path: str, query: dict[str, str]) -> dict[str, Any]:
    return {"items": _rows(2 * (int(query["page"]) - 1))}


def _by_offset(_path: str, query: dict[str, str]) -> dict[str, Any]:
    return {"items": _rows(int(query["offset"]))}


def _by_known_number(_path: str, query: dict[str, str]) -> dict[str, Any]:
    return {"items": _rows(2 * (int(query["page"]) - 1)), "meta": {"pages": 3}}


def _by_known_offset(_path: str, query: dict[str, str]) -> dict[str, Any]:
    return {"items": _rows(int(query["offset"])), "total": 5}


def _by_link(path: str, _query: dict[str, str]) -> dict[str, Any]:
    start = int(path.partition("from=")[2] or "0")
    return {"items": _rows(start), "next": f"/v1/assets?from={start + 2}" if start + 2 < 5 else None}


def _all_at_once(_path: str, _query: dict[str, str]) -> list[Any]:
    return _rows(0, 5)


@pytest.mark.parametrize("waited_seconds", [0.0, 1.0], ids=["a fast source", "a slow source"])
@pytest.mark.parametrize(
    ("stream", "reply", "pages"),
    [
        ({"paging": {"kind": "cursor", "has_more": "has_more"}}, _by_cursor, 3),
        ({"paging": {"kind": "cursor", "param": "after", "cursor": "meta.after"}}, _by_bare_cursor, 3),
        ({"paging": {"kind": "page_number"}}, _by_number, 4),
        ({"paging": {"kind": "offset"}}, _by_offset, 4),
        ({"paging": {"kind": "page_number", "pages": "meta.pages"}}, _by_known_number, 3),
        ({"paging": {"kind": "offset", "total": "total"}}, _by_known_offset, 3),
        ({"paging": {"kind": "json_link", "link": "next"}}, _by_link, 3),
        ({"paging": {"kind": "single_page"}, "records": ""}, _all_at_once, 1),
    ],
)
def test_every_kind_of_paging_gives_every_record_once(
    tmp_path: Path, stream: dict[str, Any], reply: Reply, pages: int, waited_seconds: float
) -> None:
    desk = Desk(tmp_path, {"defaults": stream})
    client = FakeClient(reply, waited_seconds=waited_seconds)
    assert desk.pull(client).failed == {}
    assert desk.ids() == [0, 1, 2, 3, 4]
    assert len(desk.page_lines()) == len(client.asked) == pages
    assert client.is_closed


def test_a_next_link_in_the_header_is_followed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"defaults": {"paging": {"kind": "header_link"}}})
    client = FakeClient(
        lambda path, _query: {"items": _rows(3 if "page=2" in path else 0, 3)},
        lambda _query: {} if len(client.asked) > 1 else {"link": '<x>; rel="last", </v1/assets?page=2>; rel="next"'},
    )
    assert desk.pull(client).failed == {}
    assert [path for path, _ in client.asked] == ["/v1/assets", f"{URL}/v1/assets?page=2"]
    assert desk.ids() == [0, 1, 2, 3, 4]


def test_each_page_is_kept_with_its_request_cursors_and_envelope(tmp_path: Path) -> None:
    paging = {"kind": "cursor", "has_more": "has_more", "size_param": "limit", "size": 2}
    desk = Desk(tmp_path, {"defaults": {"paging": paging}})
    desk.pull(FakeClient(_by_cursor))
    first, second, third = desk.page_lines()
    assert first["request"] == {"method": "GET", "path": "/v1/assets", "query": "limit=2"}
    assert second["request"]["query"] == "limit=2&cursor=2"
    assert [(page["cursor_in"], page["cursor_out"]) for page in (first, second, third)] == [
        (None, "2"),
        ("2", "4"),
        ("4", None),
    ]
    assert third["envelope"] == {"items": [], "next_cursor": None, "has_more": False}
    assert first["server_date"] == "Mon, 02 Mar 2026 08:00:00 GMT"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (lambda _p, _q: {"items": [], "has_more": True, "next_cursor": None}, "more follows but names no cursor"),
        (lambda _p, _q: {"items": [], "has_more": True, "next_cursor": ""}, "more follows but names no cursor"),
        (lambda _p, _q: {"items": [], "has_more": True, "next_cursor": {}}, "neither text nor null"),
        (lambda _p, _q: {"items": [], "next_cursor": None}, "no true or false at has_more"),
        (lambda _p, _q: {"items": [1], "has_more": True, "next_cursor": "same"}, "go in a circle"),
        (lambda _p, q: {"items": [], "has_more": True, "next_cursor": q.get("cursor", "") + "x"}, "empty pages"),
        (lambda _p, _q: {"rows": []}, "it has no items"),
        (lambda _p, _q: {"items": [], "errors": [{"message": "x"}]}, "lists errors"),
        (lambda _p, _q: {"items": [], "has_more": False, "watermark": "soon"}, "not an instant"),
        (lambda _p, _q: {"items": [], "has_more": False, "watermark": "2026-03-02T08:00:00"}, "not an instant"),
    ],
)
def test_pages_that_contradict_the_profile_fail_the_stream_and_land_nothing(
    tmp_path: Path, reply: Reply, said: str
) -> None:
    paging = {"kind": "cursor", "has_more": "has_more"}
    desk = Desk(tmp_path, {"defaults": {"paging": paging, "watermark": "watermark"}})
    outcome = desk.pull(FakeClient(reply))
    assert said in str(outcome.failed["assets"])
    assert landed_chunks(desk.journal) == []
    assert list((desk.home.landing / "vip" / "assets").iterdir()) == []


def test_a_cursor_that_expires_in_the_middle_begins_the_stream_anew(tmp_path: Path) -> None:
    has_expired = iter([False, True])

    def reply(path: str, query: dict[str, str]) -> dict[str, Any]:
        if query.get("cursor") == "2" and next(has_expired, False) is False and len(client.asked) == 2:
            raise GoneError("gone", is_transient=False)
        return _by_cursor(path, query)

    desk = Desk(tmp_path, {"defaults": {"paging": {"kind": "cursor", "has_more": "has_more"}}})
    client = FakeClient(reply)
    assert desk.pull(client).failed == {}
    assert desk.ids() == [0, 1, 2, 3, 4]
    assert [page["p"] for page in desk.page_lines()] == [1, 2, 3]


def test_a_cursor_that_always_expires_is_given_up(tmp_path: Path) -> None:
    def reply(path: str, query: dict[str, str]) -> dict[str, Any]:
        if "cursor" in query:
            raise GoneError("gone", is_transient=False)
        return _by_cursor(path, query)

    desk = Desk(tmp_path, {"defaults": {"paging": {"kind": "cursor", "has_more": "has_more"}}})
    assert "forgot the place" in str(desk.pull(FakeClient(reply)).failed["assets"])


INCREMENTAL: dict[str, Any] = {
    "paging": {"kind": "single_page"},
    "incremental": {"param": "since", "lookback": "1h", "full_every": "1d"},
}


def test_a_pull_starts_where_the_last_one_ended_less_the_overlap(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"defaults": {**INCREMENTAL, "watermark": "watermark"}})
    page = {"items": [], "watermark": "2026-03-02T07:00:00+00:00"}
    client = FakeClient(lambda _p, _q: page)
    desk.pull(client)
    desk.next_turn()
    desk.pull(client)
    assert [query for _, query in client.asked] == [{}, {"since": "2026-03-02T06:00:00.000000Z"}]
    assert last_pulls(desk.journal)["assets"].watermark == "2026-03-02T07:00:00.000000Z"


def test_where_the_source_declares_nothing_our_own_start_less_the_safety_lag_counts(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"defaults": INCREMENTAL})
    client = FakeClient(lambda _p, _q: {"items": []})
    desk.pull(client)
    desk.next_turn()
    desk.pull(client)
    assert client.asked[-1][1] == {"since": "2026-03-02T05:00:00.000000Z"}
    assert last_pulls(desk.journal)["assets"].watermark == "2026-03-02T07:00:00.000000Z"


def test_everything_is_asked_for_again_when_it_is_due(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"defaults": INCREMENTAL})
    client = FakeClient(lambda _p, _q: {"items": [{"n": 1}]})
    for after in (timedelta(hours=20), timedelta(hours=5), timedelta(hours=5)):
        desk.pull(client)
        desk.next_turn(after)
    assert ["since" in query for _, query in client.asked] == [False, True, False]
    assert [chunk.is_snapshot for chunk in landed_chunks(desk.journal)] == [True, False, True]


def test_a_pull_that_begins_at_a_configured_instant_is_no_snapshot(tmp_path: Path) -> None:
    incremental = {"param": "since", "start": "2026-01-01T00:00:00Z"}
    desk = Desk(tmp_path, {"defaults": {"paging": {"kind": "single_page"}, "incremental": incremental}})
    client = FakeClient(lambda _p, _q: {"items": [{"n": 1}]})
    desk.pull(client)
    assert client.asked == [("/v1/assets", {"since": "2026-01-01T00:00:00.000000Z"})]
    assert [chunk.is_snapshot for chunk in landed_chunks(desk.journal)] == [False]


def test_a_place_in_another_source_is_void(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"defaults": INCREMENTAL})
    client = FakeClient(lambda _p, _q: {"items": []})
    desk.pull(client)
    desk.next_turn()
    (tmp_path / "p.yaml").write_text(json.dumps({"defaults": {**INCREMENTAL, "path": "/v2/{stream}"}}))
    desk.pull(client)
    assert client.asked[-1] == ("/v2/assets", {})


def test_the_watermark_of_a_long_pull_is_the_first_pages(tmp_path: Path) -> None:
    def reply(path: str, query: dict[str, str]) -> dict[str, Any]:
        start = int(query.get("cursor", "0"))
        return {**_by_cursor(path, query), "watermark": f"2026-03-02T07:0{start}:00Z"}

    paging = {"kind": "cursor", "has_more": "has_more"}
    desk = Desk(tmp_path, {"defaults": {"paging": paging, "watermark": "watermark"}})
    desk.pull(FakeClient(reply))
    assert last_pulls(desk.journal)["assets"].watermark == "2026-03-02T07:00:00.000000Z"


def test_the_mapping_is_kept_with_the_chunk(tmp_path: Path) -> None:
    stream = {"paging": {"kind": "single_page"}, "mapping": {"asset_id": "id", "title": "meta.title"}}
    desk = Desk(tmp_path, {"streams": {"assets": stream}})
    desk.pull(FakeClient(lambda _p, _q: {"items": [{"id": "a"}]}))
    (chunk,) = landed_chunks(desk.journal)
    assert chunk.mapping == {"asset_id": ["id"], "title": ["meta", "title"]}
