"""Where a question's words stand: in the path, in a filter's text, and logins that are asked for with GET."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile import load_profile
from tests.connections.making import SECRET, Asked, Reply, Server, Tenant

RECORDS = [{"asset_id": f"a{n:02}", "title": "T", "rank": n // 3} for n in range(8)]


def ids(tenant: Tenant) -> list[str]:
    return [record["asset_id"] for record in tenant.landed()]


def every_id() -> list[str]:
    return [str(record["asset_id"]) for record in RECORDS]


def test_a_pages_number_and_size_may_stand_in_the_path(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        _, _, tenant, size, page = asked.path.strip("/").split("/")
        assert (tenant, asked.query) == ("north sea", {"lang": "de"})
        start = (int(page) - 1) * int(size)
        return {"items": RECORDS[start : start + int(size)]}

    stream = {
        "path": "/v2/{stream}/{tenant}/{size}/{page}",
        "query": {"lang": "de"},
        "paging": {"kind": "page_number", "param": "page", "size_param": "size", "size": 3},
    }

    def decoded(asked: Asked) -> Any:
        return answering(Asked(asked.method, asked.path.replace("%20", " "), asked.query, asked.headers, asked.body))

    with Server(decoded) as server:
        profile = {"streams": {"assets": stream}}
        tenant = Tenant(tmp_path, server.url, profile, variables={"tenant": "north sea"})
        tenant.pull_well()
    assert ids(tenant) == every_id()
    assert [asked.path for asked in server.asked] == [f"/v2/assets/north%20sea/3/{page}" for page in (1, 2, 3, 4)]
    assert tenant.pages()[0]["request"]["path"] == "/v2/assets/north%20sea/3/1"


def test_a_place_in_the_path_goes_with_windows_with_each_and_with_a_body(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path.startswith("/shelves/"):
            return {"items": [{"id": "x/1"}, {"id": "y"}] if asked.path.endswith("/0") else []}
        shelf, since, at = re.fullmatch(r"/of/([^/]+)/since/(\d+)/at/(\d+)", asked.path).groups()  # type: ignore[union-attr]
        assert asked.json["until"] > int(since)
        mine = [{"asset_id": f"{shelf}-{since}-{n}"} for n in range(3)]
        return {"items": mine[int(at) : int(at) + 2]}

    stream = {
        "method": "POST",
        "path": "/of/{shelf}/since/{since}/at/{at}",
        "paging": {"kind": "time_window", "step": "30d", "within": {"kind": "offset", "param": "at"}},
        "incremental": {
            "param": "since", "end_param": "until", "format": "epoch_seconds", "start": "2026-01-01T00:00:00Z",
        },
        "each": {
            "path": "/shelves/{page}",
            "paging": {"kind": "page_number", "first": 0},
            "gives": {"shelf": "id"},
        },
    }  # fmt: skip
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        tenant.pull_well()
    starts = [1767225600 + days * 86400 for days in (0, 30, 60)]
    assert ids(tenant) == [f"{shelf}-{start}-{n}" for shelf in ("x%2F1", "y") for start in starts for n in range(3)]
    asked = {asked.path for asked in server.asked if asked.path.startswith("/of/y/")}
    assert asked == {f"/of/y/since/{start}/at/{at}" for start in starts for at in (0, 2, 3)}


def filtered(asked: Asked) -> Any:
    """An OData server that knows two forms of filter."""
    text = asked.query.get("$filter", "")
    found = RECORDS
    if match := re.search(r"asset_id gt '(\w*)'", text):
        found = [record for record in found if str(record["asset_id"]) > match[1]]
    if match := re.search(r"\(rank gt (\d+) or \(rank eq \1 and asset_id gt '(\w+)'\)\)", text):
        found = [r for r in RECORDS if (r["rank"], str(r["asset_id"])) > (int(match[1]), match[2])]
    return {"value": found[: int(asked.query["$top"])]}


BY_FILTER = {"kind": "keyset", "param": "$filter", "size_param": "$top", "size": 3}


def test_the_last_records_value_may_stand_in_a_filter_behind_what_it_says_already(tmp_path: Path) -> None:
    stream = {
        "records": "value",
        "paging": {**BY_FILTER, "key": "asset_id", "expression": "asset_id gt '{last}'"},
        "incremental": {"param": "$filter", "expression": "changed ge {start}", "start": "2026-01-01T00:00:00Z"},
    }
    with Server(filtered) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        tenant.pull_well()
    assert ids(tenant) == every_id()
    since = "changed ge 2026-01-01T00:00:00.000000Z"
    assert [query["$filter"] for query in server.queries()] == [
        since,
        *(f"{since} and asset_id gt '{last}'" for last in ("a02", "a05", "a07")),
    ]


def test_a_filter_may_have_a_first_value_and_what_orders_ties(tmp_path: Path) -> None:
    started = {**BY_FILTER, "key": "asset_id", "expression": "live and asset_id gt '{last}'", "start": "a"}
    tied = {
        **BY_FILTER,
        "key": "rank",
        "ties": {"id": "asset_id"},
        "expression": "(rank gt {last} or (rank eq {last} and asset_id gt '{id}'))",
        "size": 2,
    }
    with Server(filtered) as server:
        for number, paging in enumerate((started, tied)):
            stream = {"records": "value", "paging": paging}
            tenant = Tenant(tmp_path / str(number), server.url, {"streams": {"assets": stream}})
            tenant.pull_well()
            assert ids(tenant) == every_id()
    assert server.queries()[0]["$filter"] == "live and asset_id gt 'a'"
    assert server.queries()[-1]["$filter"] == "(rank gt 2 or (rank eq 2 and asset_id gt 'a07'))"


def test_a_value_that_would_break_the_filters_text_fails_the_stream(tmp_path: Path) -> None:
    stream = {"records": "value", "paging": {**BY_FILTER, "key": "asset_id", "expression": "asset_id gt '{last}'"}}
    with Server(lambda _: {"value": [{"asset_id": "o'clock"}]}) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        assert "a quote or a backslash at asset_id: a filter's text cannot hold it" in tenant.error()
    assert tenant.landed() == []


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"path": "/x/{after}", "paging": {"kind": "keyset", "param": "after", "key": "id"}}, "'path' has {after},"),
        ({"path": "/x/{changed_since}", "incremental": {}}, "'path' has {changed_since}, which the first"),
        ({"path": "/x/{page", "paging": {"kind": "page_number"}}, "expected '}'"),
        (
            {"path": "/x/{page}", "paging": {"kind": "page_number"}, "count": {"total": "n"}},
            "'count' needs a 'path' of its own: the stream's has a place for page",
        ),
        ({"paging": {**BY_FILTER, "key": "id", "expression": "id gt 5"}}, "see {last}"),
        ({"paging": {**BY_FILTER, "key": "id", "expression": "id gt {last} {more}"}}, "see {more}"),
        (
            {"query": {"$filter": "live"}, "paging": {**BY_FILTER, "key": "id", "expression": "id gt {last}"}},
            "$filter stands in 'query' and has an 'expression' in 'paging': write all of it there",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_with_the_profile(tmp_path: Path, stream: dict[str, Any], said: str) -> None:
    tenant = Tenant(tmp_path, "http://127.0.0.1:1", {"streams": {"assets": stream}})
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load_profile(tenant.profile)


def test_a_login_may_be_asked_for_with_get_and_its_secrets_are_kept_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)

    def answering(asked: Asked) -> Any:
        if asked.path == "/login":
            return {"sid": "s1"} if asked.query.get("pass") == SECRET else Reply({"no": asked.query}, status=403)
        return {"items": RECORDS} if asked.query.get("sid") == "s1" else Reply({}, status=401)

    login = {"user": "{username}", "pass": "{password}", "app": "vipgrid"}
    auth = {
        "kind": "session_token",
        "login_path": "/login",
        "send": "query",
        "login": login,
        "token": "sid",
        "query": "sid",
    }
    profile = {"auth": auth, "streams": {"assets": {"paging": {"kind": "single_page"}}}}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, profile, secrets={"username": "us", "password": SECRET})
        tenant.pull_well()
        wrong = Tenant(tmp_path / "wrong", server.url, profile, secrets={"username": "us", "password": f"{SECRET}-2"})
        assert "Asking for a token at" in wrong.error()
    asked = server.asked[0]
    assert (asked.method, asked.query, asked.body) == ("GET", {"user": "us", "pass": SECRET, "app": "vipgrid"}, b"")
    assert ids(tenant) == every_id()
    for home in (tenant.home, wrong.home):
        assert SECRET.encode() not in b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())
    assert SECRET not in caplog.text


def test_a_login_may_be_a_key_in_a_header_alone_but_not_nothing(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path == "/ticket":
            return {"token": "t1"} if asked.headers.get("x-key") == SECRET else Reply({}, status=401)
        return {"items": RECORDS} if asked.headers.get("authorization") == "t1" else Reply({}, status=401)

    auth: dict[str, Any] = {"kind": "session_token", "login_path": "/ticket", "send": "query"}
    streams = {"assets": {"paging": {"kind": "single_page"}}}
    with Server(answering) as server:
        profile = {"auth": {**auth, "headers": {"X-Key": "{key}"}}, "streams": streams}
        tenant = Tenant(tmp_path, server.url, profile, secrets={"key": SECRET})
        tenant.pull_well()
    assert (server.asked[0].method, ids(tenant)) == ("GET", every_id())
    tenant.write_profile({"auth": auth, "streams": streams})
    with pytest.raises(ConfigurationError, match="neither 'login' nor 'headers' says"):
        load_profile(tenant.profile)
