"""Bulk history from folders: every row accounted for, nothing twice, whatever the file's kind, and the same again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.main import make_app, run
from pipeline.errors import RefusedError, SourceError, StateError
from pipeline.home import Home
from pipeline.ingest.quarantine import RecordKey, kept_record, release
from pipeline.instants import parse_instant
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.restoring import restore
from pipeline.settings import load_settings
from resources.warehouse import open_for_writing
from resources.workspace import Workspace
from tests.cli.network import FIRST, SECOND, download, write, write_network

ROOT = Path(__file__).parents[2]
START = datetime(2024, 3, 1, tzinfo=UTC)
TABLES = ("staging.access_events", "core.access_events_history", "core.access_events", "ops.pages", "ops.quarantine")


class Desk:
    """A home, a network that it syncs with, and a folder to import from."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str] | None = None) -> None:
        self.config = write_network(folder / "net")
        self.home = Home(folder / "home")
        self.source = folder / "history"
        self.capsys = capsys

    def parquet(self, name: str, rows: Sequence[dict[str, Any]], stream: str = "access_events") -> Path:
        path = self.source / stream / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        return path

    def call(self, *tokens: str, now: str = FIRST) -> tuple[int, dict[str, Any]]:
        words = ["import", str(self.source), "--config", str(self.config), "--home", str(self.home.path), "--json"]
        code = run(make_app(), [*words, "--now", now, *tokens])
        assert self.capsys is not None
        return code, json.loads(self.capsys.readouterr().out)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with open_for_writing(self.home) as connection:
            return connection.sql(query).fetchall()

    def tables(self, *but: str) -> dict[str, list[tuple[Any, ...]]]:
        with open_for_writing(self.home) as connection:
            return {
                name: connection.sql(f"select * {''.join(but)} from {name} order by all").fetchall() for name in TABLES
            }


def turn(desk: Desk, now: str) -> None:
    """Pull VIP, and compute what an import computes."""
    with Workspace.open(
        load_settings(desk.config), desk.home, what="sync", actor="t", now=parse_instant(now)
    ) as workspace:
        workspace.open_turn()
        workspace.pull("vip", ["access_events"])
        for name in workspace.graph.left_of(TABLES):
            workspace.compute(name)


def made_anew(desk: Desk) -> dict[str, list[tuple[Any, ...]]]:
    """Return the tables of a warehouse that is made again from landing and ledger."""
    desk.home.warehouse.unlink()
    settings = load_settings(desk.config)
    with Workspace.open(settings, desk.home, what="rebuild", actor="t", is_journalled=False) as workspace:
        for name in workspace.graph.left_of(TABLES):
            workspace.compute(name)
    return desk.tables()


def event(number: int, **more: Any) -> dict[str, Any]:
    at = START + timedelta(minutes=number)
    return {
        "event_id": f"H{number}", "event_type": "downloaded", "partner_id": f"P{number % 6}", "asset_id": "A0",
        "version_no": 1, "occurred_at": at, "recorded_at": at + timedelta(seconds=1), "bytes": 1000 + number,
        "user_agent": 'a "quoted" \\ text', **more,
    }  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_every_row_of_a_parquet_file_is_new_a_duplicate_another_edition_or_quarantined(desk: Desk) -> None:
    desk.parquet("a.parquet", [event(n) for n in range(100)])
    desk.parquet(
        "b.parquet",
        [event(n) for n in range(90, 110)] + [event(0, bytes=7), event(1, asset_id=None), event(2, occurred_at=None)],
    )
    code, document = desk.call()
    assert code == 1
    assert document["files"] == {"new": 2, "known": 0, "copied": 0}
    assert document["streams"] == [
        {"stream": "access_events", "files": 2, "fetched": 123, "new": 110, "duplicates": 10, "new_editions": 1,
         "quarantined": 2}
    ]  # fmt: skip
    assert [(row["page_no"], row["row_no"], row["rejected_because"]) for row in document["quarantine"]] == [
        (2, 21, "asset_id is missing"),
        (2, 22, "occurred_at is missing"),
    ]
    assert desk.rows("select origin, fetched, is_balanced from ops.pages order by page_no") == [
        (str(desk.source / "access_events" / "a.parquet"), 100, True),
        (str(desk.source / "access_events" / "b.parquet"), 23, True),
    ]
    assert desk.rows(
        "select event_type, asset_id, version_no, occurred_at, occurred_raw, bytes, user_agent, record_sha256"
        " from core.access_events_history where event_id = 'H5'"
    ) == [("downloaded", "A0", 1, START + timedelta(minutes=5), None, 1005, 'a "quoted" \\ text', None)]


def test_the_same_files_again_add_nothing_and_files_added_later_are_the_only_ones_read(desk: Desk) -> None:
    first = desk.parquet("a.parquet", [event(n) for n in range(10)])
    write(desk.source.parent, "history", "partners", "p.ndjson", [{"partner_id": "P9", "name": "Nine"}])
    assert desk.call()[0] == 0
    before = list(Journal(desk.home.ledger).entries(frozenset({"file_imported", "turn_opened"})))
    code, document = desk.call(now=SECOND)
    assert (code, document["files"], document["streams"]) == (0, {"new": 0, "known": 2, "copied": 0}, [])
    assert list(Journal(desk.home.ledger).entries(frozenset({"file_imported", "turn_opened"}))) == before
    first.rename(first.with_name("renamed.parquet"))
    desk.parquet("z.parquet", [event(n) for n in range(5, 15)])
    code, document = desk.call(now=SECOND)
    assert (document["files"]["new"], document["files"]["known"]) == (1, 2)
    assert [(row["stream"], row["new"], row["duplicates"]) for row in document["streams"]] == [("access_events", 5, 5)]


def test_ndjson_and_csv_land_as_a_pull_lands_them(desk: Desk) -> None:
    write(desk.source.parent, "history", "access_events", "a.ndjson", [download("N1", "P0", "A0", 1, "2026-01-05")])
    (desk.source / "access_events" / "b.csv").write_text(
        "event_id,event_type,partner_id,asset_id,version_no,occurred_at\nC1,opened,P0,A0,1,2026-01-06T00:00:00Z\nbroken\n"
    )
    code, document = desk.call()
    assert code == 1
    (counts,) = document["streams"]
    assert (counts["fetched"], counts["new"], counts["quarantined"]) == (3, 2, 1)
    assert desk.rows("select event_id, occurred_raw, record_sha256 is null from core.access_events order by all") == [
        ("C1", "2026-01-06T00:00:00Z", False),
        ("N1", "2026-01-05T00:00:00Z", False),
    ]


def test_a_record_that_was_imported_and_is_pulled_with_the_same_fields_is_a_duplicate(desk: Desk) -> None:
    turn(desk, FIRST)
    at = datetime(2026, 1, 5, tzinfo=UTC)
    same = {"event_id": "E0-0", "event_type": "downloaded", "partner_id": "P0", "asset_id": "A0", "version_no": 1}
    same |= {"occurred_at": at, "recorded_at": at, "vector": "direct"}
    later = {**same, "event_id": "L1"}
    desk.parquet("a.parquet", [same, later, {**later, "event_id": "L2"}])
    _, document = desk.call(now="2026-01-20T00:00:00Z")
    (counts,) = document["streams"]
    assert (counts["new"], counts["duplicates"], counts["new_editions"]) == (2, 1, 0)
    write(
        desk.config.parent,
        "vip",
        "access_events",
        "c.ndjson",
        [
            download("L1", "P0", "A0", 1, "2026-01-05"),
            {**download("L2", "P0", "A0", 1, "2026-01-05"), "vector": "bulk"},
        ],
    )
    turn(desk, SECOND)
    editions = desk.rows(
        "select event_id, edition, vector from core.access_events_history where event_id like 'L%' order by all"
    )
    assert editions == [("L1", 1, "direct"), ("L2", 1, "direct"), ("L2", 2, "bulk")]
    increments = desk.tables()
    assert made_anew(desk) == increments


def test_a_quarantined_row_is_shown_as_json_and_lands_again_when_it_is_released(desk: Desk) -> None:
    desk.parquet("a.parquet", [event(0), event(1, event_type=None)])
    desk.call()
    kept = kept_record(desk.home, Journal(desk.home.ledger), RecordKey("access_events", 1, 1, 1))
    record = json.loads(kept.raw)
    assert kept.is_readable
    assert (record["event_id"], record["event_type"], record["bytes"]) == ("H1", None, 1001)
    journal = Journal(desk.home.ledger)
    last = read_turns(journal).last
    assert last is not None
    assert release(journal, last, [RecordKey("access_events", 1, 1, 1)], actor="t", reason="looked at") == 1
    turn(desk, SECOND)
    assert desk.rows("select turn_no, rejected_because from ops.quarantine where record_key = 'H1' order by all") == [
        (1, "event_type is missing"),
        (2, "event_type is missing"),
    ]


def test_a_referenced_file_that_is_gone_or_changed_is_named_and_a_copy_mends_it(desk: Desk) -> None:
    path = desk.parquet("a.parquet", [event(n) for n in range(10)])
    desk.call()
    before, content = desk.tables(), path.read_bytes()
    desk.home.warehouse.unlink()
    rebuild = ["rebuild", "--config", str(desk.config), "--home", str(desk.home.path)]
    desk.parquet("a.parquet", [event(n) for n in range(11)])
    with pytest.raises(StateError, match=r"a\.parquet, which was imported by reference, was changed: put the bytes"):
        run(make_app(), rebuild)
    path.unlink()
    with pytest.raises(StateError, match=r"a\.parquet.* cannot be read .*--copy"):
        run(make_app(), rebuild)
    (path.parent / "elsewhere.parquet").write_bytes(content)
    _, document = desk.call("--copy")
    assert document["files"] == {"new": 0, "known": 1, "copied": 1}
    (path.parent / "elsewhere.parquet").unlink()
    assert made_anew(desk) == before


def test_a_copied_file_may_go_and_is_in_a_backup(desk: Desk, tmp_path: Path) -> None:
    path = desk.parquet("a.parquet", [event(n) for n in range(10)])
    desk.call("--copy")
    before = desk.tables()
    path.unlink()
    words = ["--config", str(desk.config), "--home", str(desk.home.path)]
    assert run(make_app(), ["backup", str(tmp_path / "copy"), *words]) == 0
    shutil.rmtree(desk.home.path)
    restore(desk.home, tmp_path / "copy", actor="t", reason="lost", at=START, is_replacing=False)
    desk.home.warehouse.touch()
    assert made_anew(desk) == before


@pytest.mark.parametrize("name", ["copy", "copy.tar.zst"])
def test_a_restored_home_says_what_it_lacks_and_a_backup_with_it_lacks_nothing(
    desk: Desk, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk.parquet("a.parquet", [event(n) for n in range(10)])
    content = path.read_bytes()
    desk.call()
    before = desk.tables()
    here = ["--config", str(desk.config), "--home", str(desk.home.path), "--json"]
    elsewhere = Home(tmp_path / "elsewhere")
    there = ["--config", str(desk.config), "--home", str(elsewhere.path), "--json"]

    def told(*words: str) -> tuple[int, dict[str, Any]]:
        return run(make_app(), list(words)), json.loads(capsys.readouterr().out)

    assert told("backup", str(tmp_path / f"without-{name}"), *here)[1]["left_out"] == [str(path)]
    assert told("backup", str(tmp_path / f"with-{name}"), "--with-referenced", *here)[1]["left_out"] == []
    path.unlink()
    with pytest.raises(StateError, match=r"a\.parquet, which was imported by reference, cannot be read"):
        run(make_app(), ["backup", str(tmp_path / "too-late"), "--with-referenced", *here])

    code, document = told("restore", str(tmp_path / f"without-{name}"), *there)
    assert (code, document["tables"]) == (1, None)
    assert document["lacking"] == [{"file": str(path), "sha256": hashlib.sha256(content).hexdigest()}]
    path.write_bytes(content)
    assert told("rebuild", *there)[0] == 0
    path.unlink()

    code, document = told("restore", str(tmp_path / f"with-{name}"), "--replace", *there)
    assert (code, document["lacking"]) == (0, [])
    assert document["tables"] > 0
    desk.home = elsewhere
    assert desk.tables() == before


def test_the_bytes_of_files_that_were_rewritten_are_in_a_backup_and_a_changed_one_stops_it(
    desk: Desk, tmp_path: Path
) -> None:
    path = desk.source / "partners" / "p.csv"
    path.parent.mkdir(parents=True)
    path.write_text("partner_id,name\nP9,Nine\n")
    desk.call()
    words = ["--config", str(desk.config), "--home", str(desk.home.path)]
    assert run(make_app(), ["backup", str(tmp_path / "copy"), *words]) == 0
    (kept,) = (tmp_path / "copy" / "landing" / "originals").iterdir()
    assert kept.read_bytes() == path.read_bytes()
    (desk.home.landing / "originals" / kept.name).write_bytes(b"other")
    with pytest.raises(StateError, match="was changed: its name is its SHA-256"):
        run(make_app(), ["backup", str(tmp_path / "second"), *words])
    assert not (tmp_path / "second").exists()


def test_a_sync_while_an_unread_file_is_gone_says_so_and_other_tables_do_not_care(desk: Desk) -> None:
    path = desk.parquet("a.parquet", [event(0)])
    desk.call()
    path.unlink()
    turn(desk, SECOND)
    assert desk.rows("select count(*) from core.access_events where event_id = 'H0'") == [(1,)]


@pytest.mark.parametrize("kind", ["torn", "not_text", "twice"])
def test_a_parquet_file_that_cannot_be_read_is_refused_and_nothing_of_it_counts(desk: Desk, kind: str) -> None:
    desk.parquet("a.parquet", [event(0)])
    path = desk.parquet("b.parquet", [event(1)])
    if kind == "torn":
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "not_text":
        pq.write_table(pa.table({"event_id": pa.array([b"\xff\xfe"]).view(pa.string())}), path)
    else:
        pq.write_table(pa.table({"event_id": ["a"], "EVENT_ID": ["b"]}), path)
    with pytest.raises(SourceError, match=r"b\.parquet cannot be imported"):
        desk.call()
    path.unlink()
    _, document = desk.call()
    assert [(row["fetched"], row["new"]) for row in document["streams"]] == [(1, 1)]


def test_types_of_every_kind_become_what_the_same_text_becomes(desk: Desk) -> None:
    def version(number: int, regions: object, size: object, approved: object) -> dict[str, Any]:
        return {
            "asset_id": "A0", "version_no": number, "approval_status": "approved", "size_bytes": size,
            "approved_at": approved, "effective_local": datetime(2026, 1, 1, 12), "restricted_regions": regions,
        }  # fmt: skip

    desk.parquet("a.parquet", [version(7, ["US", "DE"], 5.0, datetime(2026, 1, 1))], "asset_versions")
    desk.parquet("b.parquet", [version(8, '["US"]', "12", "2026-01-01T01:00:00+01:00")], "asset_versions")
    desk.parquet("c.parquet", [version(9, [], 1.5, "soon")], "asset_versions")
    _, document = desk.call()
    assert desk.rows(
        "select version_no, size_bytes, approved_at, effective_local, restricted_regions"
        " from core.asset_versions order by 1"
    ) == [
        (7, 5, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 12), ["US", "DE"]),
        (8, 12, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 12), ["US"]),
    ]
    assert [row["rejected_because"] for row in document["quarantine"]] == ["size_bytes is not a whole number"]


def test_what_cannot_be_imported_is_refused_with_a_sentence(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="There is no folder"):
        desk.call()
    desk.source.mkdir()
    with pytest.raises(RefusedError, match="has no stream's folder"):
        desk.call()
    with pytest.raises(RefusedError, match="There is no stream dreams"):
        desk.call("dreams")


def test_an_import_killed_at_any_moment_is_taken_up_and_gives_what_an_undisturbed_one_gives(tmp_path: Path) -> None:
    desks = [Desk(tmp_path / name) for name in ("undisturbed", "killed")]
    for desk in desks:
        for number in range(12):
            desk.parquet(f"{number:02}.parquet", [event(n) for n in range(number * 50, number * 50 + 60)])
        write(
            desk.source.parent, "history", "access_events", "zz.ndjson", [download("N1", "P0", "A0", 1, "2026-01-05")]
        )
    undisturbed, killed = desks
    words = ["-m", "tests.cli.door", "import"]

    def start(desk: Desk) -> subprocess.Popen[bytes]:
        told = ["--config", str(desk.config), "--home", str(desk.home.path), "--now", FIRST]
        return subprocess.Popen(
            [sys.executable, *words, str(desk.source), *told], cwd=ROOT, stdout=subprocess.DEVNULL, env=dict(os.environ)
        )

    started = time.monotonic()
    assert start(undisturbed).wait() == 0
    whole_seconds = time.monotonic() - started
    dice, kills = random.Random(5), 0
    for part in range(1, 4):
        process = start(killed)
        time.sleep(whole_seconds * part / 4 * dice.uniform(0.8, 1))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() != 0
    assert start(killed).wait() == 0
    assert kills
    but = " exclude (origin)"
    assert killed.tables() | {"ops.pages": []} == undisturbed.tables() | {"ops.pages": []}
    assert _pages(killed, but) == _pages(undisturbed, but)
    assert killed.rows("select count(*), count(distinct event_id) from core.access_events") == [(611, 611)]


def _pages(desk: Desk, but: str) -> list[tuple[Any, ...]]:
    return desk.rows(f"select *{but} from ops.pages order by all")
