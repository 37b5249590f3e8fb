"""Every fault of records, from the page to core and ops: accepted as it is, or quarantined with its reason, never gone.

Each fault comes on a page of its own, between two good records that it must not touch. What is not here:

    local times that a clock change skips or repeats                 tests/sqlmodels/test_macros.py
    casts of epochs, patterns, numbers; unknown values and fields    tests/connections/test_mapping.py
    CSV, Parquet, NDJSON and their own faults                        tests/ingest/test_files.py
    a snapshot that halves; absence; deletions and returns           tests/connections/test_deletions.py
    merged and renamed ids                                           tests/sqlmodels/test_traps.py
    an asset withdrawn while its notice is in flight                 tests/actions/test_dispatch.py
    hostile texts in terminal, reports, notices                      tests/cli, tests/reports, tests/notices
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.home import Home
from pipeline.ingest.quarantine import RecordKey, kept_record
from resources.warehouse import open_for_reading
from tests.cli.network import FIRST, SECOND, download, sync, version, write, write_network
from tests.connections.making import Tenant
from tests.faults.data import ACCEPTED, EVENT, REJECTED, event, nested, text, with_raw
from tests.faults.lived import compute
from tests.faults.server import Answer, Asked, Server
from tests.faults.shapes import listed, record

PAGE_OF = {name: place + 1 for place, name in enumerate([*ACCEPTED, *REJECTED])}
SENT = {name: raw for name, (raw, _) in (*ACCEPTED.items(), *REJECTED.items())}
COLUMNS = "page_no, row_no, event_id, asset_id, user_agent, bytes, occurred_at::varchar as at, rejected_because as why"


def own(name: str) -> bytes:
    """Give the record of a fault an id of its own, where it has one."""
    return SENT[name].replace(b'"event_id":"E"', b'"event_id":"E-%d"' % PAGE_OF[name], 1)


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    def answering(asked: Asked) -> Answer:
        name = list(PAGE_OF)[int(asked.query["page"]) - 1]
        good = [event(event_id=f"{side}-{PAGE_OF[name]}") for side in ("before", "after")]
        return listed([good[0], own(name), good[1]], pages=len(PAGE_OF))

    stream = {"paging": {"kind": "page_number", "pages": "pages"}}
    with Server(answering) as server:
        folder = tmp_path_factory.mktemp("data")
        tenant = Tenant(folder, server.url, {"streams": {"access_events": stream}}, streams=("access_events",))
        tenant.pull_well()
        yield tenant


@pytest.fixture(scope="module")
def tables(tenant: Tenant) -> dict[str, list[dict[str, Any]]]:
    with tenant.computed("marts.completeness") as connection:

        def rows(query: str) -> list[dict[str, Any]]:
            relation = connection.sql(query)
            return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

        return {
            "staged": rows(f"select {COLUMNS} from staging.access_events order by page_no, row_no"),
            "core": rows("select event_id, edition from core.access_events_history"),
            "pages": rows("select * from ops.pages order by page_no"),
            "scopes": rows("select * from marts.completeness"),
        }


def staged(tables: dict[str, list[dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    return [row for row in tables["staged"] if row["page_no"] == PAGE_OF[name]]


@pytest.mark.parametrize("name", list(ACCEPTED))
def test_what_can_be_read_is_taken_as_it_is(tables: dict[str, list[dict[str, Any]]], name: str) -> None:
    before, found, after = staged(tables, name)
    assert (before["why"], found["why"], after["why"]) == (None, None, None)
    expected = ACCEPTED[name][1]
    assert {key: found[key] for key in expected} == expected
    assert {"event_id": f"E-{PAGE_OF[name]}", "edition": 1} in tables["core"]


@pytest.mark.parametrize("name", list(REJECTED))
def test_what_cannot_be_read_is_quarantined_with_its_reason_and_its_bytes(
    tenant: Tenant, tables: dict[str, list[dict[str, Any]]], name: str
) -> None:
    before, found, after = staged(tables, name)
    assert (before["why"], after["why"]) == (None, None)
    assert REJECTED[name][1] in found["why"]
    assert "\n" not in found["why"]
    assert len(found["why"]) < 200
    key = RecordKey("access_events", 1, PAGE_OF[name], 1)
    kept = kept_record(tenant.home, tenant.journal, key).raw
    assert own(name).startswith(kept)
    assert len(kept) == len(own(name)) or len(kept) == 2**20
    page = tables["pages"][PAGE_OF[name] - 1]
    assert (page["fetched"], page["new"], page["quarantined"], page["is_balanced"]) == (3, 2, 1, True)


def test_after_all_of_them_every_record_is_accounted_for(tables: dict[str, list[dict[str, Any]]]) -> None:
    assert len(tables["core"]) == 2 * len(PAGE_OF) + len(ACCEPTED)
    assert {scope["stamp"] for scope in tables["scopes"]} == {"COMPLETE"}
    assert all(page["is_balanced"] for page in tables["pages"])
    assert sum(page["fetched"] for page in tables["pages"]) == 3 * len(PAGE_OF)


@pytest.mark.parametrize("spoiled", [b'"\xff"', b'"\\ud800"', b"NaN", b"1e400", nested(10_000)])
@pytest.mark.parametrize(
    "stream",
    [
        {"keep": {"path": "kind", "one_of": ["x"]}},
        {"errors": [{"body": {"path": "fault", "is": "present"}, "do": "retry"}]},
        {"deletions": {"kind": "absence"}},
        {"incremental": {"kind": "client_side", "cursor": "updated_at"}},
        {"incremental": {"kind": "newest_first", "cursor": "updated_at"}},
        {"incremental": {"cursor": "updated_at"}},
        {"personal": {"x.y": "drop"}},
        {"unknown_fields": "quarantine", "mapping": {"title": "kind"}},
    ],
    ids=" ".join,
)
def test_a_record_that_nobody_can_read_spoils_nothing_whatever_a_profile_asks_of_records(
    tmp_path: Path, spoiled: bytes, stream: dict[str, Any]
) -> None:
    good = text({"asset_id": "A", "kind": "x", "updated_at": "2026-03-01T00:00:00Z"})
    bad = with_raw({"asset_id": "B", "kind": "x"}, b"x", spoiled)
    with Server(lambda _: listed([good, bad])) as server:
        profile = {"streams": {"assets": {"paging": {"kind": "single_page"}, **stream}}}
        tenant = Tenant(tmp_path, server.url, profile)
        tenant.pull_well()
        tenant.next_turn()
        tenant.pull_well()
    assert [type(own) for own in tenant.landed(turn=1)] == [dict, str]


def test_ids_and_texts_of_64_kb_stop_no_turn(tmp_path: Path) -> None:
    config, long = write_network(tmp_path), "x" * 70_000
    events = [download(f"{asset}{partner}"[:9], partner, asset, 1, "2026-01-05") for partner, asset in (
        ("P0", f"A{long}"), (f"P{long}", "A1"), ("P1", "A1"))]  # fmt: skip
    write(tmp_path, "vip", "access_events", "long.ndjson", events)
    texts = {"change_summary": long, "replacement_instructions": long}
    write(tmp_path, "vip", "asset_versions", "long.ndjson", [version("A1", 2, "2026-01-20") | texts])
    home = Home(tmp_path / "home")
    for now in (FIRST, SECOND):
        sync(config, home, now)
    with open_for_reading(home) as connection:
        rejected = connection.sql("select stream, rejected_because from ops.quarantine order by all").fetchall()
        summary = connection.sql("select max(length(change_summary)) from core.asset_versions").fetchall()
    assert rejected == [
        ("access_events", "asset_id has more than 2048 bytes"),
        ("access_events", "partner_id has more than 2048 bytes"),
    ]
    assert summary == [(70_000,)]


TWINS = ("A-1", "a-1", "A-1 ", " A-1", "Caf\u00e9", "Cafe\u0301", "\u0410-1", "A\u20111", "A-01", "1", "1.0", "01")


def test_ids_that_only_look_alike_stay_what_they_are(tmp_path: Path) -> None:
    with Server(lambda _: listed([text({"asset_id": twin, "title": twin}) for twin in TWINS])) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {"kind": "single_page"}}})
        tenant.pull_well()
        computed = compute(tenant)
    assert {key: row[0] for key, row in computed.core.items()} == {twin: twin for twin in TWINS}
    assert computed.is_exact()


def test_editions_come_in_any_order_and_the_latest_counts(tmp_path: Path) -> None:
    def edition(day: int, title: str, number: int = 1, **more: Any) -> bytes:
        return text(record(number, title=title, updated_at=f"2026-02-{day:02d}T00:00:00Z", **more))

    turns = [
        [edition(10, "first"), edition(10, "first", 2)],  # another id with the same content
        [edition(12, "third")],
        [edition(11, "second, late")],  # an older edition after a newer one
        [edition(12, "third")],  # the same again
        [edition(12, "third, corrected without a new stamp")],
        [edition(13, "deleted", deleted_at="2026-02-13T00:00:00Z")],
        [edition(14, "back again")],
        [text(record(1, title="late by 400 days", updated_at="2025-01-10T00:00:00Z"))],
        [edition(14, "back again"), edition(14, "back again")],
    ]
    now: list[bytes] = []
    with Server(lambda _: listed(now)) as server:
        tenant = Tenant(tmp_path, server.url, {"defaults": {"paging": {"kind": "single_page"}}})
        for place, records in enumerate(turns):
            if place:
                tenant.next_turn()
            now[:] = records
            tenant.pull_well()
        computed = compute(tenant)
    assert computed.is_exact()
    assert computed.core["A-0001"][0] == "back again"
    assert len([row for row in computed.history if row[0] == "A-0001"]) == 7
    names = ("new", "new_editions", "duplicates", "quarantined")
    assert [tuple(computed.of_turn(turn + 1)[name] for name in names) for turn in range(len(turns))] == [
        (2, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (0, 1, 0, 0),
        (0, 1, 0, 0),
        (0, 1, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 2, 0),
    ]


def test_a_version_number_that_is_used_again_or_rolled_back_is_a_further_edition(tmp_path: Path) -> None:
    def version(number: int, checksum: str, hour: int) -> bytes:
        at = f"2026-02-10T{hour:02d}:00:00Z"
        known = {"asset_id": "A", "version_no": number, "approval_status": "approved", "approved_at": at}
        return text({**known, "checksum_sha256": checksum * 64, "updated_at": at})

    turns = [[version(1, "a", 1), version(2, "b", 2)], [version(2, "c", 3)], [version(1, "a", 4)]]
    now: list[bytes] = []
    with Server(lambda _: listed(now)) as server:
        profile = {"defaults": {"paging": {"kind": "single_page"}}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("asset_versions",))
        for place, records in enumerate(turns):
            if place:
                tenant.next_turn()
            now[:] = records
            tenant.pull_well()
        rows = tenant.ask("core.asset_versions_history", "version_no, edition, checksum_sha256[1] as c", "1, 2")
    assert [tuple(row.values()) for row in rows] == [(1, 1, "a"), (1, 2, "a"), (2, 1, "b"), (2, 2, "c")]


def mutated(dice: random.Random) -> bytes:
    """Return an event with some of its bytes exchanged, left out, doubled."""
    data = bytearray(text({**EVENT, "event_id": f"E{dice.randrange(50)}", "nested": {"a": [1, 2.5, None, "\u00e9"]}}))
    for _ in range(dice.choice([0, 0, 0, 0, 1, 1, 3])):
        place = dice.randrange(len(data))
        kind = dice.randrange(4)
        if kind == 0:
            data[place] = dice.choice(b'{}[]",:\\0159eE+-.ntfau \x00\x7f\xc3\xed\xff')
        elif kind == 1:
            del data[place]
        elif kind == 2:
            data[place:place] = dice.choice(
                [b"1e999", b"\\u0000", b"\\ud800", b"\xed\xa0\x80", b'""', b"[[[", b"null", b"-"]
            )
        else:
            data[place:place] = data[: dice.randrange(30)]
    return bytes(data)


def test_whatever_a_page_of_random_bytes_is_it_is_read_quarantined_or_told(tmp_path: Path) -> None:
    dice = random.Random(4)
    pages = [[mutated(dice) for _ in range(3)] for _ in range(250)]
    page = 0
    stream = {"paging": {"kind": "single_page"}}
    with Server(lambda _: listed(pages[page])) as server:
        profile = {"streams": {"access_events": stream}}
        tenant = Tenant(tmp_path, server.url, profile, streams=("access_events",))
        told = 0
        landed = []
        for page in range(len(pages)):
            outcome = tenant.pull()
            told += len(outcome.failed)
            if not outcome.failed:
                landed.append(page)
                tenant.next_turn()
        rows = tenant.ask("ops.pages", "fetched, is_balanced")
    assert all(row["is_balanced"] for row in rows)
    assert len(rows) == len(landed) == len(pages) - told
    # Where a bracket or a quotation mark went, a page may hold other records than were meant; most hold three.
    assert sum(row["fetched"] == 3 for row in rows) > len(pages) // 2
