"""Compacting: fewer files, the same lines; at every step the old files are whole or the new one is."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StateError
from pipeline.home import Home
from pipeline.ingest import compacting
from pipeline.ingest.compacting import compact, remove_replaced
from pipeline.ingest.landed import landed_chunks, leftovers
from pipeline.ingest.landing import check_chunk, raw_lines
from pipeline.ingest.merged import merged_chunks
from pipeline.ingest.quarantine import RecordKey, kept_record
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.sqlmodels.relations import Landing, give_landing
from pipeline.streams import STREAMS
from resources.warehouse import open_in_memory
from tests.connections.making import Asked, Server, Tenant
from tests.ingest.making import Desk

TURNS = 12
TURNS_OF_PARTS = 4


@pytest.fixture(autouse=True)
def two_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEWEST_MERGED", 2)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A home of many turns with a few records each, one of them unreadable."""
    desk = Desk(tmp_path)
    for number in range(TURNS):
        desk.write(
            f"assets/{number:02d}.ndjson",
            f'{{"asset_id": "a{number}", "title":"été \\u00e9 {number}",   "n": 1.50}}\n{{"asset_id":"b{number}"}}\n',
        )
        if number == 5:
            desk.write("assets/torn.ndjson", '{"asset_id":\n')
        desk.pull(streams=["assets"])
        desk.next_turn()
    return desk


@pytest.fixture
def parts_home(tmp_path: Path) -> Home:
    """A home of pulls that each have pages with mappings of their own, one of which changes after two turns."""
    turn = 0

    def answering(asked: Asked) -> Any:
        if asked.path == "/gone":
            return {"items": [{"ref": f"a{turn}", "at": f"2026-03-0{turn + 1}T08:00:00Z"}]}
        if asked.path == "/others":
            return {"items": [{"no": f"o{turn}.{n}", "name": "other"} for n in range(turn + 1)]}
        return {"items": [{"id": f"a{turn}", "caption": {"en": f"main {turn}"}}, {"id": f"b{turn}"}]}

    single = {"kind": "single_page"}
    other = {"path": "/others", "paging": single, "mapping": {"asset_id": "no", "title": "name"}}
    stream: dict[str, Any] = {
        "paging": single,
        "mapping": {"asset_id": "id", "title": "caption.en"},
        "also": [other],
        "deletions": {
            "kind": "feed",
            "path": "/gone",
            "records": "items",
            "paging": single,
            "mapping": {"asset_id": "ref", "deleted_at": "at"},
        },
    }
    with Server(answering) as server:
        tenant = Tenant(tmp_path, server.url, {"streams": {"assets": stream}})
        for turn in range(TURNS_OF_PARTS):
            if turn == 2:
                later = {**other, "mapping": {"asset_id": "no", "title": {"template": "the {name}"}}}
                tenant.write_profile({"streams": {"assets": {**stream, "also": [later]}}})
            tenant.pull_well()
            tenant.next_turn()
    return tenant.home


def merge(home: Home) -> int:
    journal = Journal(home.ledger)
    journal.mend()
    turn = read_turns(journal).last
    assert turn is not None
    done = compact(home, journal, turn)
    remove_replaced(home, journal)
    return len(done)


def lines(home: Home) -> list[bytes]:
    """Every line of records and pages as it was landed, found by what the journal says."""
    found = []
    for landed in landed_chunks(Journal(home.ledger)):
        check_chunk(home.landing, landed.chunk)
        own = b'{"t":%d,' % landed.turn
        for name in (landed.file, landed.pages_file):
            every = [line for some in raw_lines(home.landing / name) for line in some]
            if landed.is_merged:
                every = [b"{" + line.removeprefix(own) for line in every if line.startswith(own)]
            found += every
    return found


def rows(home: Home, since: int = 0) -> list[tuple[Any, ...]]:
    """What SQL sees of landing: records and pages of the chunks behind the first so many."""
    landing = Landing.of(home.landing.resolve(), landed_chunks(Journal(home.ledger)))
    with open_in_memory(home) as connection:
        records = f"select * from ({landing.select('assets', since=since)}) order by turn_no, page_no, row_no"
        pages = f"select * from ({landing.select('pages', since=since)}) order by turn_no, page_no"
        return [*connection.sql(records).fetchall(), *connection.sql(pages).fetchall()]


def files(home: Home) -> list[str]:
    return sorted(path.name for path in (home.landing / "vip" / "assets").iterdir() if ".files." not in path.name)


def lists(home: Home) -> list[str]:
    return sorted(path.name for path in (home.landing / "vip" / "assets").glob("*.files.*"))


def test_many_small_files_become_one_pair_with_the_very_same_lines(desk: Desk) -> None:
    before, seen, late = lines(desk.home), rows(desk.home), rows(desk.home, since=7)
    assert len(lists(desk.home)) == TURNS
    count = len(landed_chunks(desk.journal))
    assert merge(desk.home) == 1
    assert files(desk.home) == ["000001to000012.ndjson.zst", "000001to000012.pages.ndjson.zst"]
    assert lines(desk.home) == before
    assert b'"title":"\xc3\xa9t\xc3\xa9 \\u00e9 3",   "n": 1.50}' in b"".join(before)
    assert rows(desk.home) == seen
    assert rows(desk.home, since=7) == late
    assert len(landed_chunks(desk.journal)) == count
    assert leftovers(desk.home.landing, desk.journal) == []
    assert lists(desk.home) == ["000012.files.ndjson.zst"]
    (merging,) = merged_chunks(desk.journal)
    assert (len(merging.replaced), merging.chunk.records, merging.chunk.rejected) == (TURNS, 2 * TURNS + 1, 1)
    assert merge(desk.home) == 0


def test_merged_files_are_merged_again_and_turns_go_on(desk: Desk) -> None:
    merge(desk.home)
    for number in range(3):
        desk.write(f"assets/more{number}.ndjson", f'{{"asset_id":"m{number}"}}\n')
        desk.pull(streams=["assets"])
        desk.next_turn()
    before, seen, late = lines(desk.home), rows(desk.home), rows(desk.home, since=TURNS)
    assert merge(desk.home) == 1
    assert files(desk.home) == ["000001to000015.ndjson.zst", "000001to000015.pages.ndjson.zst"]
    assert (lines(desk.home), rows(desk.home), rows(desk.home, since=TURNS)) == (before, seen, late)


def test_a_turn_that_is_not_complete_is_left_alone(desk: Desk) -> None:
    desk.write("assets/open.ndjson", '{"asset_id":"open"}\n')
    desk.pull(streams=["assets"])
    merge(desk.home)
    assert "000013-0001.ndjson.zst" in files(desk.home)


def test_a_quarantined_record_is_found_in_a_merged_file(desk: Desk) -> None:
    (row,) = [row for row in rows(desk.home) if row[6] is not None and str(row[6]).startswith("not JSON")]
    key = RecordKey("assets", row[0], row[3], row[4])
    before = kept_record(desk.home, desk.journal, key)
    merge(desk.home)
    assert kept_record(desk.home, desk.journal, key) == before
    assert before.raw == b'{"asset_id":'


def test_a_file_that_was_changed_is_not_merged(desk: Desk) -> None:
    path = desk.home.landing / "vip" / "assets" / "000003-0001.ndjson.zst"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StateError, match=r"000003-0001\.ndjson\.zst was changed"):
        merge(desk.home)
    assert merged_chunks(desk.journal) == []


def test_a_merged_file_that_is_not_whole_replaces_nothing(desk: Desk) -> None:
    turn = read_turns(desk.journal).last
    assert turn is not None
    compact(desk.home, desk.journal, turn)
    (merging,) = merged_chunks(desk.journal)
    path = desk.home.landing / merging.chunk.file
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StateError, match="was changed"):
        remove_replaced(desk.home, desk.journal)
    assert all((desk.home.landing / one.file).exists() for one in merging.replaced)


def test_pulls_of_which_some_pages_are_read_otherwise_are_merged_and_read_as_before(parts_home: Home) -> None:
    before, seen, late = lines(parts_home), rows(parts_home), rows(parts_home, since=2)
    parted = [len(landed.parts) for landed in landed_chunks(Journal(parts_home.ledger))]
    assert parted == [2] * TURNS_OF_PARTS
    title = 8 + STREAMS["assets"].field_names.index("title")
    titles = [(row[8], row[title]) for row in seen if row[0] in {2, 3}]
    assert titles[:5] == [("a1", "main 1"), ("b1", None), ("o1.0", "other"), ("o1.1", "other"), ("a1", None)]
    assert titles[5:9] == [("a2", "main 2"), ("b2", None), ("o2.0", "the other"), ("o2.1", "the other")]
    assert merge(parts_home) == 1
    assert files(parts_home) == ["000001to000004.ndjson.zst", "000001to000004.pages.ndjson.zst"]
    assert (lines(parts_home), rows(parts_home), rows(parts_home, since=2)) == (before, seen, late)
    assert merge(parts_home) == 0


@pytest.mark.parametrize("kind", ["plain", "parts"])
def test_wherever_it_is_killed_the_old_files_are_whole_or_the_new_one_is(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    given = request.getfixturevalue("parts_home") if kind == "parts" else request.getfixturevalue("desk").home
    turns = TURNS_OF_PARTS if kind == "parts" else TURNS
    merged = [f"000001to{turns:06d}.{ending}" for ending in ("ndjson.zst", "pages.ndjson.zst")]
    before, seen = lines(given), rows(given)
    step, is_whole = 0, False
    while not is_whole:
        step += 1
        home = Home(tmp_path / "killed")
        shutil.rmtree(home.path, ignore_errors=True)
        shutil.copytree(given.path, home.path)
        is_whole = run_until(step, partial(merge, home))
        assert lines(home) == before, f"after step {step}"
        assert merge(home) in (0, 1)
        assert lines(home) == before, f"after step {step}, taken up"
        assert files(home) == merged, f"after step {step}"
        assert lists(home) == lists(given)[-1:], f"after step {step}"
    assert rows(home) == seen
    print(f"{step} steps")
    assert step > 2 * turns


def run_until(step: int, work: Callable[[], object]) -> bool:
    """Do work in a process that is killed before its file system call of that number; True where it came to its end."""
    pid = os.fork()
    if pid == 0:
        calls = 0

        def hooked(call: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*given: Any, **more: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*given, **more)

            return counted

        for name in ("open", "write", "fsync", "replace", "rename", "unlink", "ftruncate"):
            setattr(os, name, hooked(getattr(os, name)))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_landing_views_are_the_same_over_merged_files(desk: Desk) -> None:
    def counted() -> list[tuple[Any, ...]]:
        with open_in_memory(desk.home) as connection:
            give_landing(connection, desk.home.landing.resolve(), landed_chunks(desk.journal))
            query = "select turn_no, known_at::varchar, count(*) from landing.assets group by all order by all"
            return connection.sql(query).fetchall()

    before = counted()
    merge(desk.home)
    assert counted() == before
    assert json.dumps(before).count("2026-03-02") == TURNS
