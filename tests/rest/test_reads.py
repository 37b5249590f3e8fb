"""Reads: what is an answer, what is tried again, and what the sentence says."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Sequence

import pytest

from pipeline.errors import ConfigurationError, SourceError
from pipeline.ingest.client import Answer, GoneError
from resources.rest import fetch_json
from tests.rest.making import NOW, client
from tests.rest.scripted import Scripted, Step, answer, drip, hang_up, raw

PAGE = b'{"items": [{"asset_id": "a"}], "has_more": false}'
GOOD = answer(PAGE)


def _get(url: str, path: str = "/v1/assets", **profile: object) -> Answer:
    opened = client(url, limits={"requests_per_second": 10_000, **profile})
    try:
        return opened.get(path, (("limit", "5"),), what="assets")
    finally:
        opened.close()


def test_an_answer_is_given_byte_for_byte_with_its_facts() -> None:
    with Scripted([answer(PAGE, Date="Mon, 02 Mar 2026 08:00:00 GMT")]) as server:
        got = _get(server.url)

    assert (got.body, got.status, got.received_at) == (PAGE, 200, NOW)
    assert got.url == f"{server.url}/v1/assets"
    assert got.query == (("limit", "5"),)
    assert got.headers["date"] == "Mon, 02 Mar 2026 08:00:00 GMT"
    assert server.asked[0].line == "GET /v1/assets?limit=5 HTTP/1.1"


@pytest.mark.parametrize(
    "fault",
    [
        answer(b"{}", "500 Oops"),
        answer(b"{}", "503 Busy"),
        answer(b"{}", "408 Slow"),
        answer(b"{}", "429 Slower", Retry_After="1"),
        answer(b"{}", "429 Slower", Retry_After="nonsense"),
        answer(b"{}", "429 Slower", Retry_After="-5"),
        answer(b"{}", "503 Busy", Retry_After="Mon, 02 Mar 2026 08:00:05 GMT"),
        hang_up,
        raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
        answer(PAGE, Content_Length=str(len(PAGE) + 10)),
        answer(PAGE[:-3]),
        answer(b""),
        answer(gzip.compress(PAGE)[:-9], Content_Encoding="gzip"),
        answer(PAGE + PAGE),
    ],
)
def test_what_may_pass_is_tried_again(fault: Step) -> None:
    with Scripted([fault, fault, GOOD]) as server:
        assert _get(server.url).body == PAGE
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (answer(b"<html>Log in</html>", kind="text/html"), "not JSON by its content type"),
        (answer(PAGE, kind=None), "not JSON by its content type"),
        (answer(PAGE, kind="application/json; charset=latin-1"), "charset"),
        (answer(PAGE, Content_Encoding="br"), "content encoding"),
        (answer(b"", "204 No Content"), "204, which brings no page"),
        (answer(b"", "302 Found", Location="http://127.0.0.2/elsewhere"), "redirect (302), which is never followed"),
        (answer(b"", "307 Found", Location="file:///etc/passwd"), "redirect (307)"),
        (answer(b"{}", "403 No"), "refused with 403: ask the operator of vip"),
        (answer(b"{}", "404 No"), "refused with 404: correct base_url"),
        (answer(b"{}", "400 No"), "refused with 400"),
        (answer(b"{}", "401 No"), "check the secrets of connection vip"),
    ],
)
def test_what_will_not_pass_is_refused_at_once_and_said(fault: Step, said: str) -> None:
    with Scripted([fault]) as server, pytest.raises(SourceError) as caught:
        _get(server.url)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"Fetching assets from vip ({server.url}/v1/assets)")
    assert not caught.value.is_transient
    assert len(server.asked) == 1


def test_a_source_that_keeps_failing_is_given_up_as_transient() -> None:
    with (
        Scripted([answer(b"{}", "500 Oops")]) as server,
        pytest.raises(SourceError, match="answered with 500") as caught,
    ):
        _get(server.url)
    assert caught.value.is_transient
    assert len(server.asked) == 4


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    with (
        Scripted([answer(b"{}", "429 Slow", Retry_After="86400")]) as server,
        pytest.raises(SourceError, match="asks to wait 86400 s"),
    ):
        _get(server.url)
    assert len(server.asked) == 1


def test_a_page_that_is_gone_has_an_error_of_its_own() -> None:
    with Scripted([answer(b"{}", "410 Gone")]) as server, pytest.raises(GoneError):
        _get(server.url)


def test_a_source_that_is_down_is_said_to_be_so_and_not_asked_again_for_the_next_stream() -> None:
    with Scripted([GOOD]) as server:
        url = server.url
    opened = client(url)
    with pytest.raises(SourceError, match="nobody answers there") as caught:
        opened.get("/v1/assets", (), what="assets")
    assert caught.value.is_transient
    before = time.monotonic()
    with pytest.raises(SourceError, match="nobody answers there"):
        opened.get("/v1/grants", (), what="grants")
    assert time.monotonic() - before < 0.5
    opened.close()


def test_a_gzip_bomb_is_cut_off_at_the_limit() -> None:
    bomb = gzip.compress(b'{"items": [' + b" " * 50_000_000 + b"]}")
    with (
        Scripted([answer(bomb, Content_Encoding="gzip")]) as server,
        pytest.raises(SourceError, match="larger than 1000000 bytes") as caught,
    ):
        _get(server.url, max_body_bytes=1_000_000)
    assert not caught.value.is_transient


def test_a_body_larger_than_allowed_is_refused() -> None:
    with (
        Scripted([answer(b'"' + b"x" * 3_000_000 + b'"')]) as server,
        pytest.raises(SourceError, match="larger than 1000000 bytes"),
    ):
        _get(server.url, max_body_bytes=1_000_000)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"


@pytest.mark.parametrize("fault", [drip(HEAD, 0.1), drip(HEAD[:-4] + b"\r\nX: y", 0.1)], ids=["body", "headers"])
def test_a_slow_drip_ends_at_the_deadline(fault: Step) -> None:
    before = time.monotonic()
    with Scripted([fault]) as server:
        with pytest.raises(SourceError, match="longer than its deadline") as caught:
            _get(server.url, deadline="400ms", attempts=1)
        assert caught.value.is_transient
        assert time.monotonic() - before < 4


@pytest.mark.parametrize(
    "base_url",
    [
        "http://example.org",
        "ftp://127.0.0.1",
        "127.0.0.1:8001",
        "https://u:p@example.org",
        "https://e.org?x=1",
        "https://",
    ],
)
def test_an_address_that_is_neither_https_nor_loopback_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url of connection vip"):
        client(base_url)


@pytest.mark.parametrize("base_url", ["https://example.org", "https://example.org:8443/api/", "http://[::1]:1"])
def test_an_address_that_is_https_or_loopback_is_taken(base_url: str) -> None:
    client(base_url).close()


def test_a_link_to_another_origin_is_never_followed() -> None:
    with Scripted([GOOD]) as server, pytest.raises(SourceError, match="another origin"):
        _get(server.url, "http://127.0.0.1:1/v1/assets")
    assert server.asked == []


def test_a_link_of_the_same_origin_is_followed_with_its_query() -> None:
    with Scripted([GOOD]) as server:
        opened = client(server.url)
        got = opened.get(f"{server.url}/v1/assets?page=2", (), what="assets")
        opened.close()
    assert server.asked[0].line == "GET /v1/assets?page=2 HTTP/1.1"
    assert (got.url, got.query) == (f"{server.url}/v1/assets", (("page", "2"),))


def test_the_window_that_the_source_names_is_waited_for() -> None:
    waits: list[float] = []
    empty = answer(PAGE, RateLimit_Remaining="0", RateLimit_Reset="7")
    with Scripted([empty, GOOD]) as server:
        opened = client(server.url, sleep=waits.append)
        opened.get("/v1/assets", (), what="assets")
        opened.get("/v1/assets", (), what="assets")
        opened.close()
    assert 6 < max(waits) <= 7


def test_what_the_source_takes_is_waited_for_and_what_this_side_takes_is_not() -> None:
    took = 0.3

    def late(connection: socket.socket) -> None:
        time.sleep(took)
        GOOD(connection)

    # What this side takes: to wait for its own pace, here.
    with Scripted([late, GOOD]) as server:
        opened = client(server.url, limits={"requests_per_second": 2, "concurrency": 1}, sleep=time.sleep)
        first = opened.get("/v1/assets", (), what="assets")
        began = time.monotonic()
        second = opened.get("/v1/assets", (), what="assets")
        whole = time.monotonic() - began
        opened.close()
    assert took <= first.waited_seconds < took + whole
    assert second.waited_seconds < whole


def test_a_clock_is_read_from_a_plain_address() -> None:
    with Scripted([answer(b'{"now": "2026-03-02T08:00:00Z"}')]) as server:
        assert fetch_json(f"{server.url}/clock") == {"now": "2026-03-02T08:00:00Z"}


@pytest.mark.parametrize("steps", [[answer(b"[]")], [answer(b"{}", "500 Oops")], [hang_up]])
def test_a_clock_that_gives_no_object_is_an_error(steps: Sequence[Step]) -> None:
    with Scripted(steps) as server, pytest.raises(SourceError):
        fetch_json(server.url)
