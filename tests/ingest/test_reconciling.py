"""A second pass over a source: what it has that we have not is a row with a state, and lands at the next pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.backup import back_up
from pipeline.errors import ConfigurationError
from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks, leftovers
from pipeline.ingest.landing import raw_lines
from pipeline.ingest.reconciling import Reconciled
from pipeline.ingest.windows import Window
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import Journal
from pipeline.settings import Settings
from resources import reconciling
from resources import workspace as module
from resources.reconciling import Reconciler
from resources.workspace import Workspace
from tests.ingest.test_rest_feed import Desk, FakeClient

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
INCREMENTAL = {"param": "since", "cursor": "updated_at", "lookback": "1h"}
BOUNDED = {**INCREMENTAL, "end_param": "until"}
COUNTS = "reconciliation_id, missing_here, other_content, not_at_source"


class Source:
    """A source of assets that can hide some, and that answers what changed in a window."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.asked: list[str] = []

    def put(self, name: str, at: datetime, **more: Any) -> None:
        self.records[name] = {"asset_id": name, "updated_at": format_instant(at), **more}

    def reply(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        since, until = query.get("since", ""), query.get("until", "9")
        shown = [record for name, record in sorted(self.records.items()) if name not in self.hidden]
        items = [record for record in shown if since <= record["updated_at"] < until]
        self.asked.append(path)
        return {"meta": {"total": len(items)}} if path.endswith("/count") else {"items": items}


class World:
    """A home that pulls assets from such a source."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **stream: Any) -> None:
        profile = {"defaults": {"paging": {"kind": "single_page"}, "incremental": INCREMENTAL, **stream}}
        desk = Desk(folder, profile)
        self.home: Home = desk.home
        self.settings: Settings = desk.settings
        self.journal: Journal = desk.journal
        self.source = Source()
        self.now = START
        for place in (reconciling, module):
            monkeypatch.setattr(place, "make_client", lambda *_: FakeClient(self.source.reply))

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        with Workspace.open(self.settings, self.home, what="test", actor="tests", now=self.now) as opened:
            yield opened

    def sync(self) -> None:
        self.now += timedelta(hours=6)
        with self.workspace() as opened:
            opened.open_turn()
            opened.pull("vip")
            for name in opened.graph.left_of(["core.assets", "ops.differences"]):
                opened.compute(name)
            opened.journal.append([opened.turn.draft("turn_completed", {"turn": str(opened.turn.number)})])

    def reconcile(self, window: Window | None = None) -> Reconciled:
        with self.workspace() as opened:
            (done,) = Reconciler(opened, "vip", window).reconcile(["assets"])
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.workspace() as opened:
            opened.refresh_ledger()
            for name in ("ops.reconciliations", "ops.differences"):
                opened.compute(name)
            return opened.connection.sql(query).fetchall()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path, monkeypatch)
    for name in ("a", "b", "c"):
        world.source.put(name, START + timedelta(hours=5 if name == "c" else 0))
    world.source.hidden.add("b")
    world.sync()
    return world


def test_where_both_sides_agree_there_is_no_difference(world: World) -> None:
    world.source.hidden = set()
    world.source.records.pop("b")
    done = world.reconcile()
    assert (done.source_records, done.our_records, done.differences) == (2, 2, [])
    assert world.rows(f"select {COUNTS} from ops.reconciliations") == [("R000001", 0, 0, 0)]


def test_a_record_that_no_pull_would_ever_see_is_found_and_lands_at_the_next_sync(world: World) -> None:
    world.source.put("b", START, title="été", note=1.5)
    world.source.hidden = set()
    world.sync()
    assert world.rows("select list(asset_id order by asset_id) from core.assets") == [(["a", "c"],)]
    done = world.reconcile()
    assert [(one.kind, one.record_key) for one in done.differences] == [("missing_here", "b")]
    state = "select difference_id, state from ops.differences"
    assert world.rows(state) == [("assets:missing_here:b", "open")]
    assert leftovers(world.home.landing, world.journal) == []
    back_up(world.home, world.home.path.parent / "copy", actor="tests", at=START)
    assert list((world.home.path.parent / "copy").rglob("*.found.ndjson.zst"))
    world.sync()
    assert world.rows(state) == [("assets:missing_here:b", "landed")]
    assert world.rows("select list(asset_id order by asset_id) from core.assets") == [(["a", "b", "c"],)]
    *_, last = landed_chunks(world.journal)
    *_, line = [line for lines in raw_lines(world.home.landing / last.file) for line in lines]
    assert b'"r":{"asset_id": "b", "updated_at": "2026-03-02T08:00:00.000000Z", "title": "\\u00e9t' in line
    pages = "select turn_no, new from ops.pages where origin = 'reconciliation' and is_balanced"
    with world.workspace() as opened:
        opened.compute("ops.pages")
        assert opened.connection.sql(pages).fetchall() == [(3, 1)]
    assert world.reconcile().differences == []
    world.sync()
    assert world.rows("select count(*) from core.assets_history") == [(3,)]


def test_other_content_and_what_the_source_lacks_are_told_apart(world: World) -> None:
    world.source.put("a", START, title="changed behind our back")
    world.source.records.pop("c")
    done = world.reconcile()
    assert [(one.kind, one.record_key) for one in done.differences] == [("other_content", "a"), ("not_at_source", "c")]
    world.sync()
    assert world.rows("select difference_id, state from ops.differences order by 1") == [
        ("assets:not_at_source:c", "open"),
        ("assets:other_content:a", "landed"),
    ]
    world.source.put("c", START + timedelta(hours=5))
    world.reconcile()
    states = "select state from ops.differences where kind = 'not_at_source'"
    assert world.rows(states) == [("settled",)]


def test_what_came_into_being_after_the_last_turn_is_no_difference(world: World) -> None:
    world.source.hidden = set()
    world.source.records.pop("b")
    world.source.put("new", world.now + timedelta(hours=1))
    world.source.put("a", world.now + timedelta(hours=1), title="since then")
    done = world.reconcile()
    assert (done.source_records, done.our_records, done.differences) == (1, 2, [])


def test_a_window_alone_is_asked_for_and_says_nothing_of_what_the_source_lacks(world: World) -> None:
    world.source.hidden = set()
    world.source.put("d", START + timedelta(days=1))
    window = Window(START, START + timedelta(hours=1))
    done = world.reconcile(window)
    assert (done.source_records, done.our_records) == (2, None)
    assert [one.record_key for one in done.differences] == ["b"]
    found = "select from_at = timestamptz '2026-03-02 08:00:00+00', missing_here from ops.reconciliations"
    assert world.rows(found) == [(True, 1)]


def test_a_stream_that_cannot_be_asked_for_a_window_refuses_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, monkeypatch, incremental=None)
    world.sync()
    with pytest.raises(ConfigurationError, match="cannot be asked for a window"):
        world.reconcile(Window(START, parse_instant("2026-03-03T00:00:00Z")))


def test_a_pass_does_not_move_the_place_where_the_next_pull_starts(world: World) -> None:
    def cursors() -> list[Any]:
        return [entry.data["cursor"] for entry in world.journal.entries(frozenset({"stream_pulled"}))]

    before = cursors()
    world.reconcile()
    assert cursors() == before


def test_where_the_source_says_how_many_and_we_have_as_many_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(
        tmp_path, monkeypatch, incremental=BOUNDED, count={"path": "/v1/{stream}/count", "total": "meta.total"}
    )
    for hour in range(3):
        world.source.put(f"a{hour}", START + timedelta(hours=hour))
    world.sync()
    world.source.asked.clear()
    done = world.reconcile()
    assert (done.counted, done.source_records, done.our_records) == (True, 3, 3)
    assert world.reconcile(Window(START, START + timedelta(hours=2))).source_records == 2
    assert world.source.asked == ["/v1/assets/count"] * 2
    assert world.rows("select method, source_records from ops.reconciliations") == [("count", 3), ("count", 2)]
    world.source.put("late", START)
    done = world.reconcile()
    assert (done.counted, [one.record_key for one in done.differences]) == (False, ["late"])
    assert world.source.asked[2:] == ["/v1/assets/count", "/v1/assets"]


def test_a_record_inside_another_that_was_missed_lands_as_it_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = {"records": "inside", "inherit": {"brand": "shelf"}}
    world = World(tmp_path, monkeypatch, nested=[inside], mapping={"title": "name"}, incremental=None)
    shelf: dict[str, Any] = {"shelf": "S1", "inside": [{"asset_id": "a", "name": "A"}]}
    monkeypatch.setattr(world.source, "reply", lambda _path, _query: {"items": [shelf]})
    for place in (reconciling, module):
        monkeypatch.setattr(place, "make_client", lambda *_: FakeClient(world.source.reply))
    world.sync()
    shelf["inside"].append({"asset_id": "b", "name": "B"})
    done = world.reconcile()
    assert [(one.kind, one.record_key) for one in done.differences] == [("missing_here", "b")]
    shelf["inside"].pop()
    world.sync()
    assert world.rows("select asset_id, brand, title from core.assets order by 1") == [
        ("a", "S1", "A"),
        ("b", "S1", "B"),
    ]
    assert world.rows("select state from ops.differences") == [("landed",)]
