"""Deletions: by a mark, by a feed of their own, by absence from two snapshots in a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.connections.making import NOW, Asked, Server, Tenant

SINGLE: dict[str, Any] = {"paging": {"kind": "single_page"}}
NOW_COLUMNS = "asset_id, title, deleted_at::varchar as deleted_at"


def current(tenant: Tenant) -> dict[str, tuple[Any, Any]]:
    return {row["asset_id"]: (row["title"], row["deleted_at"]) for row in tenant.ask("core.assets", NOW_COLUMNS)}


def test_a_mark_on_the_record_becomes_the_instant_of_its_deletion(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"asset_id": "1", "title": "x", "updated_at": "2026-03-01T00:00:00Z", "state": "live"},
        {"asset_id": "2", "title": "y", "updated_at": "2026-03-01T12:00:00Z", "state": "gone"},
    ]
    deletions = {"kind": "flag", "when": {"path": "state", "one_of": ["gone"]}}
    with Server(lambda _: {"items": records}) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": {**SINGLE, "deletions": deletions}}})
        tenant.pull_well()
        tenant.next_turn()
        at = {"kind": "flag", "when": {"path": "gone_ms"}, "at": "gone_ms", "cast": "epoch_milliseconds"}
        tenant.write_profile({"streams": {"assets": {**SINGLE, "deletions": at}}})
        records[0] = {**records[0], "gone_ms": 1772434800000, "updated_at": "2026-03-02T07:00:00Z"}
        del records[1]
        tenant.pull_well()
    assert current(tenant) == {"1": ("x", "2026-03-02 07:00:00+00"), "2": ("y", "2026-03-01 12:00:00+00")}


def test_a_feed_of_deletions_is_read_after_its_stream_from_the_same_start(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        if asked.path == "/v1/deleted/assets":
            return {"rows": [{"id": "1", "when": 1772434800}] if asked.query else [], "next": None}
        return {"items": [] if asked.query else [{"asset_id": "1", "title": "x"}, {"asset_id": "2", "title": "y"}]}

    stream = {
        **SINGLE,
        "incremental": {"param": "since", "lookback": "0s"},
        "deletions": {
            "kind": "feed",
            "path": "/v1/deleted/{stream}",
            "records": "rows",
            "paging": {"kind": "json_link"},
            "mapping": {"asset_id": "id", "deleted_at": {"path": "when", "cast": "epoch_seconds"}},
        },
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert server.queries("/v1/deleted/assets") == server.queries("/v1/assets")
    rows = tenant.rows("assets", "asset_id, title, deleted_at::varchar as deleted_at, rejected_because")
    assert [tuple(row.values()) for row in rows] == [
        ("1", "x", None, None),
        ("2", "y", None, None),
        ("1", None, "2026-03-02 07:00:00+00", None),
    ]


def test_a_feed_of_deletions_may_be_asked_in_words_of_its_own_and_have_those_of_other_streams(tmp_path: Path) -> None:
    gone = [{"of": of, "id": str(n), "ms": 1772434800000 + n} for n, of in enumerate(["media", "folder", "media"])]

    def answering(asked: Asked) -> Any:
        if asked.path == "/gone":
            after = asked.json.get("after", 0)
            return {"gone": [row for row in gone if row["ms"] > after][:1]}
        return {"items": [asset(n, asset_id=str(n)) for n in range(4)]}

    stream = {
        **SINGLE,
        "incremental": {"param": "since", "lookback": "0s"},
        "deletions": {
            "kind": "feed",
            "method": "POST",
            "path": "/gone",
            "records": "gone",
            "body": {"with": {"names": True}},
            "keep": {"path": "of", "one_of": ["media"]},
            "paging": {"kind": "keyset", "param": "after", "key": "ms"},
            "incremental": {"param": "from.ms", "format": "epoch_milliseconds"},
            "mapping": {"asset_id": "id", "deleted_at": {"path": "ms", "cast": "epoch_milliseconds"}},
        },
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    asked = [(one.method, one.json) for one in server.asked if one.path == "/gone"]
    assert asked[0] == ("POST", {"with": {"names": True}})
    assert asked[-1][1]["from"] == {"ms": int(NOW.timestamp() * 1000)}
    assert {key: end is not None for key, (_, end) in current(tenant).items()} == {
        "0": True,
        "1": False,
        "2": True,
        "3": False,
    }


def test_a_feed_of_deletions_over_graphql_goes_on_from_its_own_last_end(tmp_path: Path) -> None:
    gone = [{"node": {"ref": str(n), "at": 1772434800_000000 + n}} for n in range(3)]
    fresh = [[asset(n, n=n, asset_id=str(n)) for n in range(4)], []]

    def answering(asked: Asked) -> Any:
        if asked.path == "/v1/assets":
            return {"items": fresh.pop(0)}
        after = int(asked.json["variables"].get("after", 0))
        page = gone[after : after + 2]
        info = {"endCursor": str(after + len(page)), "hasNextPage": after + 2 < len(gone)}
        return {"data": {"gone": {"edges": page, "pageInfo": info}}}

    deletions = {
        "kind": "feed",
        "path": "/graphql",
        "graphql": {"query": "query($after: String) { gone }"},
        "headers": {"X-Of": "gone"},
        "records": "data.gone.edges",
        "paging": {
            "kind": "cursor",
            "param": "after",
            "cursor": "data.gone.pageInfo.endCursor",
            "has_more": "data.gone.pageInfo.hasNextPage",
        },
        "incremental": {"kind": "token", "param": "after", "token": "data.gone.pageInfo.endCursor"},
        "mapping": {"asset_id": "node.ref", "deleted_at": {"path": "node.at", "cast": "epoch_microseconds"}},
    }
    by = {"kind": "sequence", "param": "after", "cursor": "n"}
    stream = {**SINGLE, "incremental": by, "headers": {"X-Of": "all"}, "deletions": deletions}
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        tenant.pull_well()
        tenant.next_turn()
        gone.append({"node": {"ref": "3", "at": 1772438400_000000}})
        tenant.pull_well()
    asked = [
        (a.path, a.headers["x-of"], a.query.get("after") or a.json["variables"].get("after"))
        for a in server.asked
        if a.body or a.query
    ]
    assert asked == [
        ("/graphql", "gone", None),
        ("/graphql", "gone", "2"),
        ("/v1/assets", "all", "3"),
        ("/graphql", "gone", "3"),
    ]
    assert {key: end for key, (_, end) in current(tenant).items()} == {
        "0": "2026-03-02 07:00:00+00",
        "1": "2026-03-02 07:00:00.000001+00",
        "2": "2026-03-02 07:00:00.000002+00",
        "3": "2026-03-02 08:00:00+00",
    }


def test_another_kind_of_start_begins_anew_and_does_not_read_the_old_place(tmp_path: Path) -> None:
    with Server(lambda _: {"items": [asset(1, n=5)], "next_token": "t-9"}) as server:
        tenant = Tenant(
            tmp_path, server.url, {"streams": {"assets": {**SINGLE, "incremental": {"kind": "token", "param": "p"}}}}
        )
        tenant.pull_well()
        tenant.next_turn()
        tenant.write_profile({"streams": {"assets": {**SINGLE, "incremental": {"param": "since"}}}})
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert server.queries() == [{}, {}, {"since": "2026-03-02T08:00:00.000000Z"}]


def absent_tenant(tmp_path: Path, url: str, **more: Any) -> Tenant:
    deletions = {"kind": "absence", "max_drop": 0.5}
    mapping = {"asset_id": "meta.id"}
    stream = {**SINGLE, "mapping": mapping, "deletions": deletions, **more}
    return Tenant(tmp_path, url, {"streams": {"assets": stream}})


def asset(number: int, **more: Any) -> dict[str, Any]:
    return {"meta": {"id": str(number)}, "title": f"t{number}", "updated_at": "2026-03-01T00:00:00Z", **more}


def test_what_two_snapshots_in_a_row_do_not_have_is_gone_and_what_comes_back_is_there_again(tmp_path: Path) -> None:
    here = [asset(n) for n in range(4)]
    with Server(lambda _: {"items": here}) as server:
        tenant = absent_tenant(tmp_path, server.url)

        def turn(*numbers: int) -> dict[str, Any]:
            here[:] = [asset(n) for n in numbers]
            tenant.pull_well()
            found = current(tenant)
            tenant.next_turn()
            return {name: gone for name, (_, gone) in found.items() if gone}

        assert turn(0, 1, 2, 3) == {}
        assert turn(0, 1, 2) == {}
        assert turn(0, 1, 2) == {"3": "2026-03-02 09:00:00+00"}
        assert turn(0, 1) == {"3": "2026-03-02 09:00:00+00"}
        assert turn(0, 1, 2, 3) == {}
        assert turn(0, 1, 2, 3) == {}
        assert turn(1, 2, 3) == {}
        assert turn(1, 2, 3) == {"0": "2026-03-02 14:00:00+00"}
    assert {title for title, _ in current(tenant).values()} == {"t0", "t1", "t2", "t3"}
    assert all(row["rejected_because"] is None for row in tenant.rows("assets"))
    assert all(row["is_balanced"] for row in tenant.ask("ops.pages"))


def test_a_snapshot_that_suddenly_halves_is_not_believed_and_said(tmp_path: Path) -> None:
    here = [asset(n) for n in range(10)]
    with Server(lambda _: {"items": here}) as server:
        tenant = absent_tenant(tmp_path, server.url)
        tenant.pull_well()
        del here[4:]
        for _ in range(3):
            tenant.next_turn()
            tenant.pull_well()
            assert tenant.entry()["is_snapshot"] is False
            assert tenant.entry()["notes"] == [
                "it has 4 records where the last had 10, which is more than max_drop allows to go"
            ]
    assert all(gone is None for _, gone in current(tenant).values())


def test_a_snapshot_with_a_record_that_nobody_can_read_marks_nothing(tmp_path: Path) -> None:
    here: list[Any] = [asset(n) for n in range(4)]
    with Server(lambda _: {"items": here}) as server:
        tenant = absent_tenant(tmp_path, server.url)
        tenant.pull_well()
        here[3] = "nonsense"
        for _ in range(2):
            tenant.next_turn()
            tenant.pull_well()
    assert "cannot be read" in tenant.entry()["notes"][0]
    assert all(gone is None for _, gone in current(tenant).values())


def test_a_pull_of_changes_is_no_snapshot_and_says_nothing_about_absence(tmp_path: Path) -> None:
    def answering(asked: Asked) -> Any:
        return {"items": [] if "changed_since" in asked.query else [asset(n) for n in range(3)]}

    with Server(answering) as server:
        tenant = absent_tenant(tmp_path, server.url, incremental={"full_every": "30d"})
        for _ in range(4):
            tenant.pull_well()
            tenant.next_turn()
    assert all(gone is None for _, gone in current(tenant).values())


def test_a_grant_that_is_gone_ends_and_stays_a_whole_record(tmp_path: Path) -> None:
    def grant(number: int) -> dict[str, Any]:
        names = ("grantee_type", "grantee_id", "object_type", "object_id", "effect")
        return {"grant_id": str(number), "valid_from": "2026-01-01T00:00:00Z", **dict.fromkeys(names, "x")}

    here = [grant(n) for n in range(3)]
    with Server(lambda _: {"items": here}) as server:
        profile = {"streams": {"grants": {**SINGLE, "deletions": {"kind": "absence", "max_drop": 0.5}}}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("grants",))
        for _ in range(3):
            tenant.pull_well()
            tenant.next_turn()
            here[:] = here[:2]
    rows = tenant.ask("core.grants", "grant_id, valid_to::varchar as valid_to, effect")
    assert [tuple(row.values()) for row in rows] == [
        ("0", None, "x"),
        ("1", None, "x"),
        ("2", "2026-03-02 09:00:00+00", "x"),
    ]
