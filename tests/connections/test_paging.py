"""Every kind of paging over real HTTP, with the ends that sources have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connections.making import Asked, Reply, Server, Tenant

TOTAL = 7
ALL = list(range(TOTAL))


def rows(start: int, count: int = 3) -> list[dict[str, int]]:
    return [{"n": n} for n in range(start, min(start + count, TOTAL))]


def numbers(tenant: Tenant) -> list[int]:
    return [record["n"] for record in tenant.landed()]


def by_cursor_in_a_header(asked: Asked) -> Reply:
    start = int(asked.query.get("cursor", "0"))
    more = {"Next-Cursor": str(start + 3)} if start + 3 < TOTAL else {}
    return Reply({"items": rows(start)}, headers=more)


def by_cursor_until_an_end_flag(asked: Asked) -> Any:
    start = int(asked.query.get("cursor", "0"))
    return {"items": rows(start), "after_cursor": str(start + 3), "end_of_stream": start + 3 >= TOTAL}


def by_cursor_until_an_empty_page(asked: Asked) -> Any:
    start = int(asked.query.get("cursor", "0"))
    return {"items": rows(start), "next_cursor": str(min(start + 3, TOTAL))}


def by_link_in_a_header_until_204(asked: Asked) -> Reply:
    start = int(asked.query.get("from", "0"))
    if start >= TOTAL:
        return Reply(status=204)
    return Reply({"items": rows(start)}, headers={"Link": f'</v1/assets?from={start + 3}>; rel="next"'})


def by_link_in_a_header_of_its_own(asked: Asked) -> Reply:
    start = int(asked.query.get("from", "0"))
    more = {"Next-Url": f"/v1/assets?from={start + 3}"} if start + 3 < TOTAL else {}
    return Reply({"items": rows(start)}, headers=more)


def by_number_of_pages(asked: Asked) -> Any:
    return {"items": rows(3 * int(asked.query["page"])), "pages": 3}


def by_offset_with_a_total(asked: Asked) -> Any:
    return {"items": rows(int(asked.query["offset"])), "total": TOTAL}


def by_offset_until_a_short_page(asked: Asked) -> Any:
    return {"items": rows(int(asked.query["offset"]))}


def by_key(asked: Asked) -> Any:
    return {"items": rows(int(asked.query.get("after", "-1")) + 1)}


PAGINGS: list[tuple[dict[str, Any], Any, int]] = [
    ({"kind": "cursor", "header": "Next-Cursor"}, by_cursor_in_a_header, 3),
    ({"kind": "cursor", "cursor": "after_cursor", "ends": "end_of_stream"}, by_cursor_until_an_end_flag, 3),
    ({"kind": "cursor", "stop": ["empty"]}, by_cursor_until_an_empty_page, 4),
    ({"kind": "header_link", "stop": ["no_content"]}, by_link_in_a_header_until_204, 4),
    ({"kind": "header_link", "header": "Next-Url"}, by_link_in_a_header_of_its_own, 3),
    ({"kind": "page_number", "first": 0, "pages": "pages"}, by_number_of_pages, 3),
    ({"kind": "offset", "total": "total"}, by_offset_with_a_total, 3),
    ({"kind": "offset", "size": 3, "stop": ["short"]}, by_offset_until_a_short_page, 3),
    ({"kind": "keyset", "param": "after", "key": "n"}, by_key, 4),
]


@pytest.mark.parametrize(("paging", "answering", "pages"), PAGINGS)
def test_every_record_comes_once_and_the_end_is_seen(
    tmp_path: Path, paging: dict[str, Any], answering: Any, pages: int
) -> None:
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": paging}})
        tenant.pull_well()
    assert numbers(tenant) == ALL
    assert len(server.asked) == len(tenant.pages()) == pages


def test_a_204_that_the_profile_does_not_take_for_an_end_is_none(tmp_path: Path) -> None:
    with Server(by_link_in_a_header_until_204) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {"kind": "header_link"}}})
        assert "204, which brings no page" in tenant.error()
    assert tenant.landed() == []


def test_a_link_to_another_origin_is_not_followed(tmp_path: Path) -> None:
    with Server(lambda _: {"items": rows(0), "next": "http://127.0.0.2:1/steal"}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {"kind": "json_link"}}})
        assert "leads to another origin" in tenant.error()
    assert len(server.asked) == 1


def test_ties_on_the_key_over_a_border_come_twice_rather_than_never(tmp_path: Path) -> None:
    values = [1, 2, 2, 2, 3]

    def answering(asked: Asked) -> Any:
        least = int(asked.query.get("from", "0"))
        return {
            "items": [{"n": n, "at": at} for n, at in enumerate(values) if at >= least][: int(asked.query["limit"])]
        }

    paging = {
        "kind": "keyset",
        "param": "from",
        "key": "at",
        "inclusive": True,
        "size_param": "limit",
        "stop": ["short"],
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {**paging, "size": 3}}})
        assert "all its records have one value at at: raise 'size'" in tenant.error()
        tenant.write_profile({"defaults": {"paging": {**paging, "size": 4}}})
        tenant.pull_well()
    assert set(numbers(tenant)) == set(range(5))
    assert len(numbers(tenant)) > 5


def test_what_orders_records_of_one_value_is_sent_too_so_that_none_is_lost_between_pages(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"n": n, "meta": {"at": 5 if n < 7 else n, "id": f"r{n}"}} for n in range(TOTAL)]

    def answering(asked: Asked) -> Any:
        after = asked.json.get("after") or {"at": -1, "id": ""}
        later = [r for r in records if (r["meta"]["at"], r["meta"]["id"]) > (after["at"], after["id"])]
        return {"items": sorted(later, key=lambda r: (r["meta"]["at"], r["meta"]["id"]))[: asked.json["page"]["size"]]}

    keyset = {"kind": "keyset", "param": "after.at", "key": "meta.at", "size_param": "page.size", "size": 3}
    with Server(answering) as server:
        stream = {"method": "POST", "paging": {**keyset, "ties": {"after.id": "meta.id"}}}
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        tenant.pull_well()
        assert sorted(numbers(tenant)) == ALL
        assert server.asked[1].json == {"page": {"size": 3}, "after": {"at": 5, "id": "r2"}}
        other = Tenant(tmp_path / "other", server.url, {"defaults": {**stream, "paging": keyset}})
        assert "more may be lost behind it: name in 'ties' what orders them" in other.error()


@pytest.mark.parametrize("lost_at", [0, 3])
def test_a_scroll_that_lost_a_page_is_begun_anew(tmp_path: Path, lost_at: int) -> None:
    state = {"at": 0, "starts": 0, "fails": 1}

    def answering(asked: Asked) -> Any:
        if "scroll" not in asked.query:
            state.update(at=0, starts=state["starts"] + 1)
        start, state["at"] = state["at"], state["at"] + 3
        if start == lost_at and state["fails"]:
            state["fails"] -= 1
            return Reply({}, status=502)  # the page was taken from the scroll, and lost
        return {"items": rows(start), "scrollid": "S1", "total": TOTAL}

    paging = {"kind": "stateful_scroll", "param": "scroll", "total": "total"}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": paging}})
        tenant.pull_well()
    assert (state["starts"], numbers(tenant)) == (2, ALL)


def test_a_scroll_that_ends_before_its_total_is_no_end(tmp_path: Path) -> None:
    with Server(lambda asked: {"items": rows(0) if not asked.query else [], "scrollid": "S", "total": TOTAL}) as server:
        paging = {"kind": "stateful_scroll", "param": "scroll", "total": "total"}
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": paging}})
        assert "forgot the place" in tenant.error()


def test_a_forgotten_cursor_may_mean_that_everything_is_asked_for(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.query.get("cursor") and "changed_since" in asked.query:
            return Reply({}, status=410)
        if "cursor" in asked.query:
            return {"items": rows(3, 4), "next_cursor": None}
        return {"items": rows(0), "next_cursor": "x"}

    paging = {"kind": "cursor", "on_expired": "full_refresh"}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": paging, "incremental": {}}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert ["changed_since" in query for query in server.queries()] == [False, False, True, True, False, False]
    assert tenant.entry()["is_snapshot"] is True


@pytest.mark.parametrize("most_by", ["records", "total"])
def test_a_window_that_is_too_full_is_halved_until_nothing_is_cut_off(tmp_path: Path, most_by: str) -> None:
    stamps = [NOW_SECONDS - 40_000 + 10 * n * n for n in range(40)]

    def answering(asked: Asked) -> Any:
        since, until = int(asked.query["from"]), int(asked.query["to"])
        found = [{"n": n} for n, at in enumerate(stamps) if since <= at < until]
        return {"items": found[:10], "total": len(found)}

    stream = {
        "paging": {
            "kind": "time_window",
            "step": "12h",
            "most": 10 if most_by == "records" else 11,
            **({"total": "total"} if most_by == "total" else {}),
        },
        "incremental": {
            "param": "from",
            "end_param": "to",
            "format": "epoch_seconds",
            "start": "2026-03-01T00:00:00Z",
            "safety_lag": "10m",
        },
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        tenant.pull_well()
    assert numbers(tenant) == [n for n, at in enumerate(stamps) if at < NOW_SECONDS - 600]
    assert len(numbers(tenant)) > 30
    asked = [(int(query["from"]), int(query["to"])) for query in server.queries()]
    assert max(until for _, until in asked) == NOW_SECONDS - 600
    assert tenant.entry()["watermark"] == "2026-03-02T07:50:00.000000Z"


def test_a_window_that_cannot_be_halved_any_more_fails_the_stream(tmp_path: Path) -> None:
    stream = {
        "paging": {"kind": "time_window", "step": "12h", "most": 1, "smallest": "6h"},
        "incremental": {"param": "from", "end_param": "to", "start": "2026-03-01T00:00:00Z"},
    }
    with Server(lambda _: {"items": rows(0)}) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": stream})
        assert "cannot be halved further" in tenant.error()


def test_an_end_that_the_source_counts_in_is_asked_for_a_unit_earlier(tmp_path: Path) -> None:
    stream = {
        "paging": {"kind": "time_window", "step": "12h"},
        "incremental": {
            "param": "from",
            "end_param": "to",
            "end": "inclusive",
            "format": "%Y-%m-%d %H:%M:%S",
            "start": "2026-03-01T16:00:00Z",
        },
    }
    with Server(lambda _: {"items": []}) as server:
        Tenant(tmp_path, server.url, {"defaults": stream}).pull_well()
    assert server.queries() == [
        {"from": "2026-03-01 16:00:00", "to": "2026-03-02 03:59:59"},
        {"from": "2026-03-02 04:00:00", "to": "2026-03-02 07:59:59"},
    ]


NOW_SECONDS = 1_772_438_400


def test_what_headers_say_of_a_page_stands_where_a_path_would(tmp_path: Path) -> None:
    items = [{"asset_id": str(n)} for n in range(5)]

    def answering(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        headers = {"X-Total-Count": "5", "X-More": "true" if start < 4 else "False", "X-As-Of": "2026-03-01T00:00:00Z"}
        return Reply(items[start : start + 2], headers=headers)

    paging = {"kind": "offset", "total": "header:x-total-count", "has_more": "header:X-More", "size": 2}
    words = {"records": "", "paging": paging, "watermark": "header:X-As-Of", "inherit": {"brand": "header:X-As-Of"}}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": words}})
        tenant.pull_well()
    assert [query["offset"] for query in server.queries()] == ["0", "2", "4"]
    assert tenant.entry()["watermark"] == "2026-03-01T00:00:00.000000Z"
    assert {row["brand"] for row in tenant.rows("assets", "brand")} == {"2026-03-01T00:00:00Z"}


def test_an_end_before_the_total_of_a_header_is_no_end(tmp_path: Path) -> None:
    with Server(lambda _: Reply([{"asset_id": "a"}], headers={"X-Total-Count": "2"})) as server:
        words = {"records": "", "paging": {"kind": "cursor", "total": "header:X-Total-Count"}}
        said = Tenant(tmp_path, server.url, {"streams": {"assets": words}}).error()
    assert "place was lost" in said or "begun" in said
