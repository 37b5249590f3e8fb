"""Every fault of paging: nothing is lost or doubled in silence; what a source leaves out is asked for again, or told.

Not here, because it is held elsewhere:

    ties on a key over a border; scrolls that lose pages; windows too full; 204 as an end   tests/connections/test_paging.py
    an expired cursor that means everything; sources that forgot the start                   tests/connections/test_incremental.py
    pages that contradict their profile                                                      tests/ingest/test_rest_feed.py
"""  # noqa: E501 - a table

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import Tenant
from tests.faults.lived import compute
from tests.faults.server import Answer, Asked, Send, Server, whole
from tests.faults.shapes import PER_PAGE, SHAPE_OF, SHAPES, Truth, listed, raw, stamp

RECORDS = 14
WHOLE = list(range(RECORDS))
INDIFFERENT = {"single page", "time window", "keyset", "inclusive keyset"}
COUNTING = ("page number", "offset", "link in the page", "stateful scroll")


def tenant_of(folder: Path, url: str, shape: str, **stream: Any) -> Tenant:
    return Tenant(folder, url, {"defaults": {**SHAPE_OF[shape].stream, **stream}})


def numbers(tenant: Tenant) -> list[int]:
    return sorted(own["n"] for own in tenant.landed())


def truth_of(count: int = RECORDS) -> Truth:
    return Truth([raw(n) for n in range(count)])


def lying(shape: str, truth: Truth, lie: Callable[[int], None]) -> Callable[[Asked], Answer]:
    """Answer well, and do something to the truth after each answer; it is told how many were given."""
    given = 0

    def answering(asked: Asked) -> Answer:
        nonlocal given
        answer = SHAPE_OF[shape].answering(truth, asked)
        given += 1
        lie(given)
        return answer

    return answering


@pytest.mark.parametrize("shape", [shape.name for shape in SHAPES if shape.name not in INDIFFERENT])
def test_rows_that_are_inserted_between_pages_cost_duplicates_at_most(tmp_path: Path, shape: str) -> None:
    truth = truth_of()

    def insert(given: int) -> None:
        if given == 2:
            truth.records.insert(0, raw(100))

    with Server(lying(shape, truth, insert)) as server:
        tenant = tenant_of(tmp_path, server.url, shape)
        tenant.pull_well()
    assert set(numbers(tenant)) >= set(WHOLE)


def test_a_page_that_was_asked_for_before_rows_were_inserted_is_asked_for_again(tmp_path: Path) -> None:
    old, new = truth_of(), Truth([raw(100), *truth_of().records])
    has_moved = {"0": [False], "1": [False], "2": [True]}

    def answering(asked: Asked) -> Answer:
        # The last page is answered as it was before the insertion, and its neighbours as they were behind it.
        moved = has_moved.setdefault(asked.query["page"], [False, True])
        return SHAPE_OF["number of pages"].answering(new if moved[0] else old, asked)

    def slow(connection: socket.socket, answer: Answer) -> None:
        time.sleep(0.02)
        whole(connection, answer)

    def striking(asked: Asked) -> Send:
        asked_before = [own.query["page"] for own in server.asked[:-1]]
        if asked.query["page"] in asked_before:
            has_moved[asked.query["page"]] = [True]
        return slow

    with Server(answering, striking) as server:
        tenant = tenant_of(tmp_path, server.url, "number of pages")
        tenant.pull_well()
    assert set(numbers(tenant)) == set(WHOLE)
    assert [asked.query["page"] for asked in server.asked].count("3") == 2


@pytest.mark.parametrize("shape", COUNTING)
def test_a_row_that_is_deleted_between_pages_moves_no_other_one_out_of_sight(tmp_path: Path, shape: str) -> None:
    truth = truth_of()

    def delete(given: int) -> None:
        if given == 2:
            del truth.records[0]

    with Server(lying(shape, truth, delete)) as server:
        tenant = tenant_of(tmp_path, server.url, shape)
        tenant.pull_well()
        computed = compute(tenant)
    assert numbers(tenant) == WHOLE[1:]
    assert computed.is_exact()


@pytest.mark.parametrize("shape", COUNTING)
def test_a_source_whose_rows_go_all_the_time_is_told_and_nothing_counts(tmp_path: Path, shape: str) -> None:
    truth = truth_of(60)
    with Server(lying(shape, truth, lambda _: truth.records.__delitem__(0))) as server:
        said = tenant_of(tmp_path, server.url, shape).error()
    assert "was begun 3 times, and each time the source forgot the place" in said
    assert "the number of its records fell from" in said


def leaving_out(shape: str, truth: Truth, times: int) -> Callable[[Asked], Answer]:
    """Answer with the end after the second page, although more remains."""
    given = 0
    left = times

    def answering(asked: Asked) -> Answer:
        nonlocal given, left
        places = {name: text for name, text in asked.query.items() if name in {"page", "offset", "from", "scroll"}}
        if places in ({}, {"page": "1"}, {"offset": "0"}):
            given = 0
        given += 1
        if given == 2 and left:
            left -= 1
            truth.scrolled += PER_PAGE
            return listed([], total=RECORDS)
        return SHAPE_OF[shape].answering(truth, asked)

    return answering


@pytest.mark.parametrize("shape", ["page number", "link in the page", "stateful scroll"])
def test_pages_that_end_early_are_begun_anew_and_told_where_they_always_do(tmp_path: Path, shape: str) -> None:
    with Server(leaving_out(shape, truth_of(), 1)) as server:
        tenant = tenant_of(tmp_path / "once", server.url, shape)
        tenant.pull_well()
    assert numbers(tenant) == WHOLE
    with Server(leaving_out(shape, truth_of(), 100)) as server:
        tenant = tenant_of(tmp_path / "always", server.url, shape)
        assert f"its pages ended after {PER_PAGE} of {RECORDS} records" in tenant.error()
    assert tenant.landed() == []


def test_an_offset_whose_page_is_empty_before_the_total_is_told(tmp_path: Path) -> None:
    with Server(leaving_out("offset", truth_of(), 100)) as server:
        said = tenant_of(tmp_path, server.url, "offset").error()
    assert "it says that more follows but is empty" in said


def test_a_page_that_comes_twice_is_counted_as_duplicates(tmp_path: Path) -> None:
    truth = truth_of()

    def answering(asked: Asked) -> Answer:
        cursor = int(asked.query.get("cursor", "0"))
        start = max(0, cursor - PER_PAGE) if cursor == 2 * PER_PAGE and len(server.asked) == 3 else cursor
        end = start + PER_PAGE if start == cursor else cursor
        following = str(end) if end < RECORDS else None
        extra = "?again" if start != cursor else ""
        named = None if following is None else following + extra
        return listed(truth.records[start:end], next_cursor=named, has_more=following is not None)

    with Server(lambda asked: answering(_without_mark(asked))) as server:
        tenant = tenant_of(tmp_path, server.url, "cursor")
        tenant.pull_well()
        computed = compute(tenant)
    assert set(numbers(tenant)) == set(WHOLE)
    assert computed.of_turn(1)["duplicates"] == len(numbers(tenant)) - RECORDS == PER_PAGE
    assert computed.is_exact()


def _without_mark(asked: Asked) -> Asked:
    query = {name: text.partition("?")[0] for name, text in asked.query.items()}
    return Asked(asked.method, asked.path, query, asked.headers, asked.body)


@pytest.mark.parametrize(
    ("cursors", "said"),
    [
        (["a", "a"], "go in a circle"),
        (["a", "b", "a"], "go in a circle"),
        ([True], "neither text nor null"),
        ([{"a": 1}], "neither text nor null"),
        ([1.5], "neither text nor null"),
    ],
)
def test_a_cursor_that_loops_or_is_none_fails_the_stream(tmp_path: Path, cursors: Sequence[Any], said: str) -> None:
    replies = iter(cursors)
    with Server(lambda _: listed([raw(1)], next_cursor=next(replies), has_more=True)) as server:
        tenant = tenant_of(tmp_path, server.url, "cursor")
        assert said in tenant.error()
    assert tenant.landed() == []


def test_a_cursor_with_half_of_a_surrogate_pair_fails_the_stream(tmp_path: Path) -> None:
    body = b'{"items":[],"next_cursor":"\\ud800","has_more":true}'
    with Server(lambda _: Answer(body)) as server:
        assert "not JSON in UTF-8" in tenant_of(tmp_path, server.url, "cursor").error()


@pytest.mark.parametrize("shape", ["cursor", "cursor in a header", "header link", "link in the page", "graphql"])
@pytest.mark.parametrize("at", [2, 3])
def test_a_place_that_expires_in_the_middle_is_begun_anew(tmp_path: Path, shape: str, at: int) -> None:
    truth = truth_of()

    def answering(asked: Asked) -> Answer:
        if len(server.asked) == at:
            return Answer(b"{}", "410 Gone")
        return SHAPE_OF[shape].answering(truth, asked)

    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, shape)
        tenant.pull_well()
        assert len(server.asked) == at + 4
    assert numbers(tenant) == WHOLE


@pytest.mark.parametrize("size", [1, 3, 9])
@pytest.mark.parametrize("shape", ["cursor", "offset", "link in the page", "keyset"])
def test_the_size_of_a_page_is_the_sources_affair(tmp_path: Path, shape: str, size: int) -> None:
    truth = truth_of()

    def answering(asked: Asked) -> Answer:
        start = int(asked.query.get({"keyset": "after", "offset": "offset"}.get(shape, shape), "0"))
        start = int(asked.query.get("cursor") or asked.query.get("from") or start) + (
            shape == "keyset" and "after" in asked.query
        )
        end = start + size
        more = str(end) if end < RECORDS else None
        link = None if more is None else f"/v1/assets?from={more}"
        found = truth.records[start:end]
        return listed(found, total=RECORDS, next_cursor=more, has_more=more is not None, next=link)

    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, shape)
        tenant.pull_well()
    assert numbers(tenant) == WHOLE


def test_ties_that_a_smaller_page_than_asked_for_cuts_off_are_told(tmp_path: Path) -> None:
    keys = [1, 2, 3, 3, 3, 3, 3, 4]

    def answering(asked: Asked) -> Answer:
        least = int(asked.query.get("from", "0"))
        return listed([raw(n, key=key) for n, key in enumerate(keys) if key >= least][:3])

    paging = {"kind": "keyset", "param": "from", "key": "key", "inclusive": True, "size": 1000}
    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, "keyset", paging=paging)
        assert "all its records have one value at key: raise 'size' above their number" in tenant.error()
        keys[:] = [1, 2, 3, 3, 4, 4]
        tenant.pull_well()
    assert set(numbers(tenant)) == set(range(6))


def test_a_total_that_grows_is_read_to_its_end(tmp_path: Path) -> None:
    truth = truth_of()

    def grow(given: int) -> None:
        if given <= 3:
            truth.records.append(raw(len(truth.records)))

    for shape in ("offset", "page number"):
        truth.records = truth_of().records
        with Server(lying(shape, truth, grow)) as server:
            tenant = tenant_of(tmp_path / shape, server.url, shape)
            tenant.pull_well()
        assert numbers(tenant) == list(range(RECORDS + 3))


def test_a_feed_that_is_not_quite_newest_first_is_read_on(tmp_path: Path) -> None:
    feed = [raw(n, updated_at=stamp(n * 10)) for n in range(12)]
    pages: list[list[bytes]] = []

    def answering(asked: Asked) -> Answer:
        page = int(asked.query["page"])
        return listed(pages[page - 1] if page <= len(pages) else [])

    stream = {
        "paging": {"kind": "page_number"},
        "incremental": {"kind": "newest_first", "cursor": "updated_at", "lookback": "0s"},
    }
    with Server(answering) as server:
        tenant = tenant_of(tmp_path, server.url, "page number", **stream)
        pages[:] = [[feed[8], feed[7]], [feed[6]]]
        tenant.pull_well()
        tenant.next_turn()
        # They are out of order there: that 2 is old is no sign that all behind it is known.
        pages[:] = [[feed[10], feed[11], feed[2]], [feed[9], feed[8]], [feed[7], feed[6]], [feed[5], feed[4]]]
        tenant.pull_well()
    assert {9, 10, 11} <= set(numbers(tenant))
    assert 5 not in numbers(tenant)


def test_another_streams_answer_is_quarantined_record_by_record(tmp_path: Path) -> None:
    grants = [b'{"grant_id":"G1","effect":"allow"}', b'{"grant_id":"G2","effect":"deny"}']
    with Server(lambda _: listed(grants)) as server:
        tenant = tenant_of(tmp_path, server.url, "single page")
        tenant.pull_well()
        computed = compute(tenant)
    assert computed.core == {}
    assert set(computed.quarantine.values()) == {"asset_id is missing"}
    assert computed.of_turn(1)["quarantined"] == 2
    assert computed.is_exact()


@pytest.mark.parametrize(
    ("declared", "watermark"),
    [
        ("9999-12-31T23:59:59Z", "2026-03-02T08:00:00.000000Z"),
        ("2026-03-02T07:30:00Z", "2026-03-02T07:30:00.000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_a_watermark_is_believed_up_to_now(tmp_path: Path, declared: str, watermark: str | None) -> None:
    stream = {"watermark": "until", "incremental": {"param": "since", "lookback": "1h"}}
    with Server(lambda _: listed([raw(1)], until=declared)) as server:
        tenant = tenant_of(tmp_path, server.url, "single page", **stream)
        if watermark is None:
            assert "its until is not an instant with an offset" in tenant.error()
            return
        tenant.pull_well()
        assert tenant.entry()["watermark"] == watermark
        tenant.next_turn()
        tenant.pull_well()
    assert server.asked[-1].query["since"] <= "2026-03-02T07:00:00.000000Z"


def test_records_that_are_all_of_the_year_one_are_read_every_time(tmp_path: Path) -> None:
    stream = {"incremental": {"param": "since", "cursor": "updated_at", "lookback": "1h"}}
    with Server(lambda _: listed([raw(1, updated_at="0001-01-01T00:00:00Z")])) as server:
        tenant = tenant_of(tmp_path, server.url, "single page", **stream)
        for _ in range(2):
            tenant.pull_well()
            tenant.next_turn()
    assert [asked.query.get("since") for asked in server.asked] == [None, "0001-01-01T00:00:00.000000Z"]


@pytest.mark.parametrize("spoiled", [b"NaN", b'"\\ud800"', b"[" * 500 + b"]" * 500])
def test_a_record_that_nobody_can_read_does_not_hold_up_a_sequence_or_a_keyset(tmp_path: Path, spoiled: bytes) -> None:
    bad = raw(2)[:-1] + b',"x":' + spoiled + b"}"

    def answering(asked: Asked) -> Answer:
        after = int(asked.query.get("after", "-1"))
        return listed([own for n, own in enumerate([raw(0), raw(1), bad]) if n > after])

    keyset = {"paging": {"kind": "keyset", "param": "after", "key": "n"}}
    sequence = {"incremental": {"kind": "sequence", "param": "after", "cursor": "n"}}
    for name, stream in (("keyset", keyset), ("sequence", sequence)):
        with Server(answering) as server:
            tenant = tenant_of(tmp_path / name, server.url, "single page", **stream)
            tenant.pull_well()
            tenant.next_turn()
            tenant.pull_well()
        assert [type(own) for own in tenant.landed(turn=1)] == [dict, dict, str]
        assert server.asked[-1].query["after"] in {"1", "2"}
