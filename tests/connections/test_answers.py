"""Answers that HTTP does not tell apart, GraphQL, and what a source says of its budgets."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.profile_limits import Limits
from resources.rest_pace import Pace
from tests.connections.making import NOW, Asked, Reply, Server, Tenant
from tests.rest.conftest import fast_retries

__all__ = ["fast_retries"]

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
GOOD = {"items": [{"asset_id": "a"}]}
BUSY = {"errors": [{"extensions": {"code": "THROTTLED"}}]}
CODE = "errors[0].extensions.code"


def tenant_of(folder: Path, url: str, *errors: dict[str, Any], **stream: Any) -> Tenant:
    return Tenant(folder, url, {"defaults": {**SINGLE, "errors": list(errors), **stream}})


def test_a_success_that_lists_errors_is_none_unless_the_profile_says_what_it_means(tmp_path: Path) -> None:
    with Server(lambda _: {**BUSY, **GOOD}) as server:
        assert "lists errors" in tenant_of(tmp_path, server.url).error()


def test_a_body_may_say_that_it_is_to_be_tried_again(tmp_path: Path) -> None:
    replies = iter([BUSY, BUSY, GOOD])
    with Server(lambda _: next(replies)) as server:
        rule = {"body": {"path": CODE, "one_of": ["THROTTLED"]}, "do": "retry"}
        tenant = tenant_of(tmp_path, server.url, rule)
        tenant.pull_well()
    assert len(server.asked) == 3
    assert tenant.landed() == GOOD["items"]


def test_a_status_that_means_nothing_is_there_is_an_empty_end(tmp_path: Path) -> None:
    with Server(lambda _: Reply({"message": "no assets"}, status=404)) as server:
        tenant = tenant_of(tmp_path, server.url, {"status": [404], "do": "ignore"})
        tenant.pull_well()
    assert tenant.landed() == []
    assert [(page["status"], page["records"]) for page in tenant.pages()] == [(404, 0)]
    assert tenant.entry()["reached_end"] is True


def test_a_quarantined_answer_is_kept_as_a_rejected_record_and_its_pull_reached_no_end(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.query.get("page") == "2":
            return Reply(status=422, text="<b>broken</b>", headers={"Content-Type": "text/html"})
        return GOOD

    rule = {"status": [422], "do": "quarantine"}
    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, rule, paging={"kind": "page_number"}, incremental={})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert tenant.landed(turn=1) == [*GOOD["items"], "an answer with 422 that the profile says to quarantine"]
    assert tenant.entry()["reached_end"] is False
    assert tenant.entry()["watermark"] is None
    assert all("changed_since" not in query for query in server.queries())


def test_a_status_may_mean_that_the_window_is_too_long(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        since, until = (datetime.fromisoformat(asked.query[name]) for name in ("from", "to"))
        return GOOD if until - since <= timedelta(hours=6) else Reply({"code": "TOO_LARGE"}, status=413)

    stream = {
        "paging": {"kind": "time_window", "step": "1d"},
        "incremental": {"param": "from", "end_param": "to", "start": "2026-03-01T08:00:00Z"},
    }
    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, {"status": [413], "do": "split_window"}, **stream)
        tenant.pull_well()
    assert len(tenant.landed()) == 4
    assert len(server.asked) == 7


def test_a_failure_is_told_at_once_with_what_the_profile_takes_it_for(tmp_path: Path) -> None:
    with Server(lambda _: Reply({}, status=503)) as server:
        said = tenant_of(tmp_path, server.url, {"status": [503], "do": "fail"}).error()
    assert "was answered with 503 and what the profile's 'errors' take for 'fail'" in said
    assert len(server.asked) == 1


QUERY = "query assets($first: Int, $after: String, $filter: Filter) { assets(first: $first) { id } }"


def test_graphql_takes_paging_and_incremental_among_its_variables(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        variables = asked.json["variables"]
        start = int(variables.get("after", "0"))
        edges = [{"node": {"id": str(n)}} for n in range(start, min(start + 2, 5))]
        info = {"endCursor": str(start + 2), "hasNextPage": start + 2 < 5}
        return {"data": {"assets": {"edges": edges, "pageInfo": info}}}

    stream = {
        "path": "/graphql",
        "graphql": {"query": QUERY, "variables": {"filter": {"kinds": ["image"], "ranges": [{"field": "changed"}]}}},
        "records": "data.assets.edges",
        "paging": {
            "kind": "cursor",
            "param": "after",
            "cursor": "data.assets.pageInfo.endCursor",
            "has_more": "data.assets.pageInfo.hasNextPage",
            "size_param": "first",
            "size": 2,
        },
        "incremental": {"param": "filter.ranges[0].from", "end_param": "filter.ranges[0].to"},
        "mapping": {"asset_id": "node.id"},
    }
    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, **stream)
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert [row["asset_id"] for row in tenant.rows("assets")] == ["0", "1", "2", "3", "4"] * 2
    assert {asked.method for asked in server.asked} == {"POST"}
    first, later = server.asked[1].json, server.asked[4].json
    assert first["query"] == QUERY
    assert first["variables"]["first"] == 2
    assert first["variables"]["after"] == "2"
    assert later["variables"]["filter"] == {
        "kinds": ["image"],
        "ranges": [{"field": "changed", "from": "2026-03-02T07:00:00.000000Z", "to": "2026-03-02T09:00:00.000000Z"}],
    }
    assert tenant.pages()[1]["request"]["query"].startswith("filter.ranges%5B0%5D.to=")


def test_a_post_carries_its_body_headers_and_numbers_as_numbers(tmp_path: Path) -> None:
    stream = {
        "method": "POST",
        "body": {"filter": {"kind": "asset"}},
        "headers": {"X-View": "full"},
        "paging": {"kind": "offset", "param": "page.from", "size_param": "page.count", "size": 5},
    }
    with Server(lambda asked: {"items": GOOD["items"] if asked.json["page"]["from"] == 0 else []}) as server:
        tenant_of(tmp_path, server.url, **stream).pull_well()
    assert [asked.json for asked in server.asked] == [
        {"filter": {"kind": "asset"}, "page": {"count": 5, "from": 0}},
        {"filter": {"kind": "asset"}, "page": {"count": 5, "from": 1}},
    ]
    assert {asked.headers["x-view"] for asked in server.asked} == {"full"}


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def __call__(self) -> float:
        return self.at


def paced(**limits: Any) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(Limits.model_validate(limits), sleep=clock.sleep, monotonic=clock), clock


def test_no_span_of_a_budget_has_more_requests_than_it_allows() -> None:
    pace, clock = paced(requests_per_second=100, budgets=[{"requests": 5, "per": "1s"}, {"requests": 20, "per": "1m"}])
    taken = []
    for _ in range(45):
        pace.wait()
        taken.append(clock())
    for requests, seconds in ((5, 1), (20, 60)):
        assert all(later - earlier >= seconds for earlier, later in zip(taken, taken[requests:], strict=False))
    assert taken[-1] - taken[0] < 125


def test_a_request_that_was_woken_late_is_counted_when_it_went() -> None:
    woken = Clock()
    sleeps = iter([0.0, 0.0, 0.2, *[0.0] * 12])

    def sleep(seconds: float) -> None:
        woken.at += seconds + next(sleeps)

    slow = Pace(Limits.model_validate({"requests_per_second": 4}), sleep=sleep, monotonic=woken)
    went = []
    for _ in range(12):
        slow.wait()
        went.append(woken())
    assert all(later - earlier >= 1 for earlier, later in zip(went, went[4:], strict=False))
    assert went[-1] - went[0] < 3.3


def test_a_request_that_was_long_on_its_way_is_counted_when_it_arrived() -> None:
    pace, clock = paced(requests_per_second=4)
    arrived = []
    for on_its_way in (0.0, 0.0, 0.04, *[0.0] * 9):
        slot = pace.wait()
        clock.sleep(on_its_way)
        arrived.append(clock())
        clock.sleep(0.1)
        pace.answered(slot)
    assert all(later - earlier >= 1 for earlier, later in zip(arrived, arrived[4:], strict=False))


def test_a_source_that_dawdles_is_asked_hardly_more_slowly() -> None:
    pace, clock = paced(requests_per_second=10)
    began = clock()
    for takes in (0.001, *[0.09] * 39):
        slot = pace.wait()
        clock.sleep(takes)
        pace.answered(slot)
    assert clock() - began < 4 * 1.06 + 0.1


def most_at_once(pace: Pace) -> int:
    """Enter as often as that is possible without anybody leaving."""
    may_leave = threading.Event()
    threads: list[threading.Thread] = []

    def enter(entered: threading.Event) -> None:
        with pace.turn():
            entered.set()
            may_leave.wait()

    try:
        while True:
            entered = threading.Event()
            threads.append(threading.Thread(target=enter, args=(entered,)))
            threads[-1].start()
            if not entered.wait(0.1):
                return len(threads) - 1
    finally:
        may_leave.set()
        for thread in threads:
            thread.join()


def test_after_refusals_less_is_asked_at_once_and_after_answers_more_again() -> None:
    pace, _ = paced(requests_per_second=1e6, concurrency=4)
    found = []
    for statuses in ([], [429], [503], [503], [200], [200] * 2, [200] * 100):
        for status in statuses:
            pace.adapt(status)
        found.append(most_at_once(pace))
    assert found == [4, 2, 1, 1, 2, 2, 4]


@pytest.mark.parametrize(
    ("said", "headers", "waited"),
    [
        ({}, {"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({}, {"ratelimit-remaining": "3", "ratelimit-reset": "7"}, 0),
        ({"remaining": "X-Left", "reset": "X-At", "reset_is": "epoch_seconds"}, {"x-left": "0", "x-at": "EPOCH"}, 9),
        ({"remaining": "X-Left", "reset": "X-At", "reset_is": "epoch_milliseconds"}, {"x-left": "0", "x-at": "MS"}, 9),
        ({}, {"ratelimit-remaining": "none", "ratelimit-reset": "soon"}, 0),
    ],
)
def test_a_budget_that_the_source_says_is_used_up_is_waited_for(
    said: dict[str, Any], headers: dict[str, str], waited: float
) -> None:
    pace, clock = paced(requests_per_second=1e6, rate_headers=said)
    now = datetime.fromtimestamp(1_772_438_400, UTC)
    ends = {"EPOCH": "1772438409", "MS": "1772438409000"}
    from httpx import Headers

    pace.note(Headers({name: ends.get(text, text) for name, text in headers.items()}), now)
    pace.wait()
    assert clock() - 1000 == pytest.approx(waited, abs=0.01)


def test_after_a_429_without_a_word_we_are_silent_for_as_long_as_the_profile_says(tmp_path: Path) -> None:
    replies = iter([Reply({}, status=429), GOOD])
    with Server(lambda _: next(replies)) as server:
        profile = {"defaults": SINGLE, "limits": {"refused_for": "5m", "max_wait": "10m"}}
        tenant = Tenant(tmp_path, server.url, profile)
        tenant.pull_well()
    assert max(tenant.slept) == pytest.approx(300, abs=5)


def test_no_more_requests_are_under_way_than_allowed(tmp_path: Path) -> None:
    under_way: list[int] = []
    count = 0

    def answering(_: Asked) -> Any:
        nonlocal count
        count += 1
        under_way.append(count)
        time.sleep(0.05)
        count -= 1
        return {"items": []}

    streams = ("assets", "grants", "segments", "packages")
    with Server(answering) as server:
        profile = {"defaults": SINGLE, "limits": {"concurrency": 1}}
        Tenant(tmp_path, server.url, profile, streams=streams).pull_well()
    assert under_way == [1, 1, 1, 1]


def test_the_clock_of_the_tests_stands_where_they_think() -> None:
    assert json.dumps(NOW.timestamp()) == "1772438400.0"
