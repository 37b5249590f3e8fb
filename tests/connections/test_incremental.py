"""Every kind of incremental reading: what the second pull asks for, and what it must not miss."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from tests.connections.making import Asked, Reply, Server, Tenant

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}


def twice(tmp_path: Path, url: str, stream: dict[str, Any], after: timedelta = timedelta(hours=1)) -> Tenant:
    tenant = Tenant(tmp_path, url, {"defaults": stream})
    tenant.pull_well()
    tenant.next_turn(after)
    tenant.pull_well()
    return tenant


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        ("epoch_seconds", "1772434800"),
        ("epoch_milliseconds", "1772434800000"),
        ("%d.%m.%Y %H:%M", "02.03.2026 07:00"),
        ("iso", "2026-03-02T07:00:00.000000Z"),
    ],
)
def test_instants_are_written_as_the_source_wants_them(tmp_path: Path, format_: str, said: str) -> None:
    with Server(lambda _: {"items": []}) as server:
        stream = {**SINGLE, "incremental": {"param": "since", "format": format_, "lookback": "1h"}}
        twice(tmp_path, server.url, stream)
    assert server.queries() == [{}, {"since": said}]


def test_the_next_pull_starts_at_the_newest_record_less_the_lookback(tmp_path: Path) -> None:
    page = {"items": [{"at": "2026-03-01T10:00:00Z"}, {"at": "2026-03-01T12:00:00Z"}, {"at": "never"}]}
    stream = {**SINGLE, "incremental": {"param": "since", "cursor": "at", "lookback": "10m"}}
    with Server(lambda _: page) as server:
        twice(tmp_path, server.url, stream)
    assert server.queries() == [{}, {"since": "2026-03-01T11:50:00.000000Z"}]


def test_a_stamp_in_the_future_does_not_hide_what_comes_until_then(tmp_path: Path) -> None:
    page = {"items": [{"at": "9999-12-31T23:59:59Z"}]}
    stream = {**SINGLE, "incremental": {"param": "since", "cursor": "at", "lookback": "0s"}}
    with Server(lambda _: page) as server:
        twice(tmp_path, server.url, stream)
    assert server.queries() == [{}, {"since": "2026-03-02T08:00:00.000000Z"}]


def test_after_a_pause_longer_than_the_sources_memory_everything_is_asked_for(tmp_path: Path) -> None:
    stream = {**SINGLE, "incremental": {"param": "since", "retention": "7d"}}
    with Server(lambda _: {"items": []}) as server:
        tenant = twice(tmp_path, server.url, stream, timedelta(days=8))
    assert server.queries() == [{}, {}]
    assert tenant.entry()["is_snapshot"] is True


def test_a_source_that_has_forgotten_the_start_is_asked_for_everything(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        return Reply({"code": "PURGED"}, status=400) if asked.query else {"items": []}

    errors = [{"status": [400], "body": {"path": "code", "one_of": ["PURGED"]}, "do": "expired"}]
    with Server(answering) as server:
        twice(tmp_path, server.url, {**SINGLE, "incremental": {"param": "since"}, "errors": errors})
    assert ["since" in query for query in server.queries()] == [False, True, False]


def test_a_sequence_goes_on_behind_the_largest_number(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        after = int(asked.query["after"])
        return {"items": [{"seq": n} for n in (3, 1, 2) if n > after]}

    stream = {**SINGLE, "incremental": {"kind": "sequence", "param": "after", "cursor": "seq", "start": 0}}
    with Server(answering) as server:
        tenant = twice(tmp_path, server.url, stream)
    assert server.queries() == [{"after": "0"}, {"after": "3"}]
    assert tenant.landed() == [{"seq": 3}, {"seq": 1}, {"seq": 2}]


def test_a_record_without_its_number_fails_the_stream(tmp_path: Path) -> None:
    stream = {**SINGLE, "incremental": {"kind": "sequence", "param": "after", "cursor": "seq"}}
    with Server(lambda _: {"items": [{"seq": None}]}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        assert "no whole number at seq" in tenant.error()


def test_a_token_goes_on_where_the_last_page_ended(tmp_path: Path) -> None:
    events = [{"n": n} for n in range(5)]

    def answering(asked: Asked) -> Any:
        start = int(asked.query["stream_position"])
        return {"items": events[start : start + 2], "next_stream_position": min(start + 2, len(events))}

    stream = {
        "paging": {
            "kind": "cursor",
            "param": "stream_position",
            "cursor": "next_stream_position",
            "stop": ["empty"],
        },
        "incremental": {
            "kind": "token",
            "param": "stream_position",
            "token": "next_stream_position",
            "start": 0,
        },
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        tenant.pull_well()
        tenant.next_turn()
        events.append({"n": 5})
        tenant.pull_well()
    assert [record["n"] for record in tenant.landed()] == [0, 1, 2, 3, 4, 5]
    assert [query["stream_position"] for query in server.queries()] == ["0", "2", "4", "5", "5", "6"]


def test_a_feed_with_the_newest_first_is_read_down_to_what_is_known(tmp_path: Path) -> None:
    feed = [{"n": n, "at": f"2026-03-01T{n:02d}:00:00Z"} for n in range(20)]

    def answering(asked: Asked) -> Any:
        page = int(asked.query["page"])
        return {"items": list(reversed(feed))[3 * page - 3 : 3 * page]}

    stream = {
        "paging": {"kind": "page_number"},
        "incremental": {"kind": "newest_first", "cursor": "at", "lookback": "1h"},
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        tenant.pull_well()
        first = len(server.asked)
        tenant.next_turn()
        feed += [{"n": n, "at": f"2026-03-02T{n - 20:02d}:00:00Z"} for n in range(20, 22)]
        tenant.pull_well()
    assert first == 8
    assert len(server.asked) == first + 2
    assert {record["n"] for record in tenant.landed()} == set(range(22))


def test_where_the_source_cannot_say_what_changed_we_land_only_that_and_count_the_rest(tmp_path: Path) -> None:
    records = [{"n": 1, "at": "2026-03-01T00:00:00Z"}, {"n": 2, "at": "2026-03-02T00:00:00Z"}, {"n": 3, "at": "soon"}]
    stream = {**SINGLE, "incremental": {"kind": "client_side", "cursor": "at", "lookback": "1h"}}
    with Server(lambda _: {"items": records}) as server:
        tenant = twice(tmp_path, server.url, stream)
    assert [record["n"] for record in tenant.landed(turn=1)] == [1, 2, 3]
    assert [record["n"] for record in tenant.landed(turn=2)] == [2, 3]
    assert [page["request"].get("left_out") for page in tenant.pages()] == [None, "1"]
    assert tenant.entry()["is_snapshot"] is False


def test_a_further_way_with_positions_goes_on_where_it_ended_itself(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path == "/positions":
            at = int(asked.query.get("at", "0"))
            return {"items": [{"asset_id": f"p{at}"}], "next": str(at + 1)}
        return {"items": [{"asset_id": "a"}]}

    other = {"path": "/positions", **SINGLE, "incremental": {"kind": "token", "param": "at", "token": "next"}}
    stream = {**SINGLE, "incremental": {"param": "since"}, "also": [other]}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        for _ in range(3):
            tenant.pull_well()
            tenant.next_turn()
        tenant.write_profile({"streams": {"assets": {**stream, "also": [{**other, "path": "/other"}]}}})
        tenant.pull_well()
    assert server.queries("/positions") == [{}, {"at": "1"}, {"at": "2"}]
    assert server.queries("/other") == [{}]
    assert len(server.queries("/v1/assets")[-1]) == 1


@pytest.mark.parametrize(
    ("incremental", "said"),
    [
        ({"expression": "after {end}", "start": "2026-01-01T00:00:00Z"}, "'expression' has no {start}"),
        ({"expression": "after {start}"}, "'expression' needs 'start'"),
        (
            {"expression": "{start} to {end}", "start": "2026-01-01T00:00:00Z", "end_param": "to"},
            "the end is said once: by {end} in 'expression', or by 'end_param'",
        ),
    ],
)
def test_an_expression_says_a_start_and_one_end(tmp_path: Path, incremental: dict[str, Any], said: str) -> None:
    tenant = Tenant(tmp_path, "http://127.0.0.1:9", {"streams": {"assets": {**SINGLE, "incremental": incremental}}})
    with pytest.raises(ConfigurationError) as caught:
        tenant.pull()
    assert said in str(caught.value)


def test_windows_and_numbers_may_be_said_by_expressions(tmp_path: Path) -> None:
    by = {"param": "q", "expression": "changed:[{start}..{end}]", "format": "epoch_seconds", "end": "inclusive"}
    windows = {"paging": {"kind": "time_window", "step": "1h"}, "incremental": {**by, "start": "2026-03-02T06:00:00Z"}}
    numbers = {"kind": "sequence", "param": "q", "cursor": "n", "expression": "n>{start}"}
    with Server(lambda _: {"items": [{"asset_id": "a", "n": 7}]}) as server:
        Tenant(tmp_path / "a", server.url, {"streams": {"assets": windows}}).pull_well()
        tenant = Tenant(tmp_path / "b", server.url, {"streams": {"assets": {**SINGLE, "incremental": numbers}}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert [query.get("q") for query in server.queries()] == [
        "changed:[1772431200..1772434799]",
        "changed:[1772434800..1772438399]",
        None,
        "n>7",
    ]
