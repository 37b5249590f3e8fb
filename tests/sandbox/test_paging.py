"""Pages: whole, in order, repeatable, and never missing what was written meanwhile."""

from datetime import datetime, timedelta

import pytest

from sandbox.http.paging import Pager
from sandbox.streams import STREAMS
from tests.sandbox.conftest import Sandbox, Starter


def _notice(sandbox: Sandbox, key: str) -> dict[str, object]:
    partner = sandbox.trading_grid.page("partners", limit=1)["items"][0]["partner_id"]
    return {
        "external_key": key,
        "partner_id": partner,
        "kind": "access_rules",
        "subject": "Rules",
        "body": "As before.",
    }


def test_small_pages_together_are_the_whole_feed(sandbox: Sandbox) -> None:
    whole = sandbox.trading_grid.all("issues")
    assert len(whole) > 500
    assert sandbox.trading_grid.all("issues", limit=97) == whole


def test_the_last_page_has_no_cursor_and_says_so(sandbox: Sandbox) -> None:
    *others, last = list(sandbox.vip.pages("segments", limit=40))
    assert others
    assert all(page.json()["has_more"] and page.json()["next_cursor"] for page in others)
    assert (last.json()["has_more"], last.json()["next_cursor"]) == (False, None)


def test_pulling_since_the_watermark_gives_what_was_recorded_later_and_nothing_is_lost(sandbox: Sandbox) -> None:
    before = {stream: sandbox.vip.all(stream) for stream in ("access_events", "deliveries", "asset_versions")}
    marks = {stream: sandbox.vip.page(stream, limit=1)["watermark"] for stream in before}
    sandbox.advance(days=4)
    for stream, old in before.items():
        later = sandbox.vip.all(stream, changed_since=marks[stream])
        now = sandbox.vip.all(stream)
        assert later, f"nothing happened in {stream}: the test shows nothing"
        assert now[: len(old)] == old
        overlap = len(old) + len(later) - len(now)
        assert overlap >= 0
        assert now[len(old) - overlap :] == later


def test_a_late_record_comes_in_a_later_pull_although_it_happened_long_before(sandbox: Sandbox) -> None:
    events = sandbox.vip.all("access_events")
    lags = [datetime.fromisoformat(e["recorded_at"]) - datetime.fromisoformat(e["occurred_at"]) for e in events]
    late = next(event for event, lag in zip(events, lags, strict=True) if lag > timedelta(hours=20))
    since = (datetime.fromisoformat(late["occurred_at"]) + timedelta(hours=1)).isoformat()
    assert late in sandbox.vip.all("access_events", changed_since=since)


def test_a_record_written_between_two_pages_is_on_a_later_page(sandbox: Sandbox) -> None:
    first = sandbox.trading_grid.page("notices", limit=1000)
    body = _notice(sandbox, "between-two-pages")
    posted = sandbox.trading_grid.write("POST", "/v1/notices", body, "between-two-pages").json()
    rest, cursor = [], first["next_cursor"]
    while cursor is not None:
        page = sandbox.trading_grid.page("notices", limit=1000, cursor=cursor)
        rest += page["items"]
        cursor = page["next_cursor"]
    assert rest.count(posted) == 1


def test_an_offset_in_changed_since_means_the_same_instant(sandbox: Sandbox) -> None:
    now = datetime.fromisoformat(sandbox.told["now"]) - timedelta(days=3)
    tokyo = (now + timedelta(hours=9)).replace(tzinfo=None).isoformat() + "+09:00"
    found = sandbox.vip.all("deliveries", changed_since=now.isoformat())
    assert found
    assert found == sandbox.vip.all("deliveries", changed_since=tokyo)
    assert found != sandbox.vip.all("deliveries")


@pytest.mark.parametrize("cursor", ["abc", "AAAA", "9i1CEvoDWyI0NDRiMGY0MiIsImRlbGl2ZXJpZXMiLDFe"])
def test_a_cursor_that_nobody_issued_is_refused(cursor: str, sandbox: Sandbox) -> None:
    answer = sandbox.vip.get("/v1/deliveries", cursor=cursor)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_cursor_of_another_stream_is_refused(sandbox: Sandbox) -> None:
    cursor = sandbox.vip.page("deliveries", limit=1)["next_cursor"]
    assert sandbox.vip.get("/v1/assets", cursor=cursor).status_code == 400


def test_a_cursor_of_another_data_set_is_gone(sandbox: Sandbox) -> None:
    cursor = Pager(None, "another").cursor(STREAMS["deliveries"], 5)  # type: ignore[arg-type]
    answer = sandbox.vip.get("/v1/deliveries", cursor=cursor)
    assert (answer.status_code, answer.json()["title"]) == (410, "Gone")


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"changed_since": "yesterday"}, {"limits": 5}]
)
def test_a_query_outside_the_contract_is_refused_with_its_place(query: dict[str, object], sandbox: Sandbox) -> None:
    answer = sandbox.vip.get("/v1/assets", **query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["where"] == f"query.{next(iter(query))}"


def test_during_an_outage_of_the_recorder_the_watermark_stands_still(fresh: Starter) -> None:
    started = fresh("state", "--history-days", "1", "--clock", "2026-01-01T00:00:00Z")
    stood = []
    for _ in range(42):
        now = started.advance(hours=20)
        mark = started.vip.page("access_events", limit=1)["watermark"]
        assert mark <= now
        if mark < now:
            stood.append(mark)
            items = started.vip.all("access_events", changed_since=mark)
            assert [item for item in items if item["recorded_at"] > mark] == []
    assert stood, "no outage in 35 days"
    assert started.vip.page("deliveries", limit=1)["watermark"] == now
