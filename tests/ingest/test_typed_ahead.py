"""What is typed while it is pulled is what is typed afterwards, and nothing of it stays where the pull does not."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.errors import SourceError
from pipeline.ingest import files, landing
from pipeline.ingest.landed import LandedChunk, landed_chunks
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.typed_ahead import TypedAhead
from resources.workspace import Workspace
from tests.ingest.making import Desk

EVENTS: Final = 600
MODEL: Final = "staging.access_events"
TABLES: Final = (MODEL, "core.access_events_history", "ops.pages")


def event(number: int) -> str:
    return json.dumps(
        {
            "event_id": f"E{number % 550}",
            "event_type": "downloaded" if number % 7 else "",
            "partner_id": "P1",
            "asset_id": "A1",
            "version_no": number % 5,
            "occurred_at": f"2026-02-{1 + number % 28:02d}T10:00:00Z",
            "bytes": "many" if number % 13 == 0 else number,
        }
    )


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PAGE_RECORDS", 50)
    monkeypatch.setattr(landing, "FIRST_CHUNK_BYTES", 4096)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.write("access_events/x.ndjson", "\n".join(map(event, range(EVENTS))))
    return made


@contextmanager
def opened(desk: Desk) -> Iterator[Workspace]:
    with Workspace.open(desk.settings, desk.home, what="test", actor="test", now=desk.now) as workspace:
        yield workspace


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What became of the access events that were typed ahead."""
    found: list[str | None] = []
    take = TypedAhead.take

    def noting(self: TypedAhead, model: Model, chunks: Sequence[LandedChunk]) -> str | None:
        table = take(self, model, chunks)
        if model.name == MODEL:
            found.append(table)
        return table

    monkeypatch.setattr(TypedAhead, "take", noting)
    return found


def table(workspace: Workspace, name: str) -> list[Any]:
    return workspace.connection.sql(f"select * from {name} order by all").fetchall()


def arriving(workspace: Workspace) -> list[Any]:
    return workspace.connection.sql(
        "select table_name from duckdb_tables() where table_name like '%arriving' or schema_name like '%arriving'"
    ).fetchall()


def synced(desk: Desk) -> list[list[Any]]:
    """Pull and compute, and return the tables."""
    with opened(desk) as workspace:
        workspace.pull("vip")
        return computed(workspace)


def rebuilt(desk: Desk) -> list[list[Any]]:
    """Compute the same from landing alone."""
    desk.home.warehouse.unlink()
    with opened(desk) as workspace:
        workspace.open_turn()
        return computed(workspace)


def computed(workspace: Workspace) -> list[list[Any]]:
    for name in workspace.graph.left_of(TABLES):
        workspace.compute(name)
    assert arriving(workspace) == []
    return [table(workspace, name) for name in TABLES]


def test_what_is_typed_ahead_is_what_is_typed_from_landing(desk: Desk, taken: list[str | None]) -> None:
    ahead = synced(desk)
    assert taken == [f"{MODEL}__arriving"]
    assert len(ahead[0]) == EVENTS
    assert sum(row[-1] is not None for row in ahead[0]) > EVENTS / 10
    assert rebuilt(desk) == ahead
    with opened(desk) as workspace:
        assert workspace.connection.sql(f"select count(*) from {MODEL}").fetchall() == [(EVENTS,)]


def test_the_next_turn_adds_to_it(desk: Desk, taken: list[str | None]) -> None:
    synced(desk)
    desk.next_turn()
    desk.write("access_events/y.ndjson", "\n".join(map(event, range(EVENTS, 2 * EVENTS))))
    ahead = synced(desk)
    assert len(taken) == 1
    assert len(ahead[0]) == 2 * EVENTS
    assert rebuilt(desk) == ahead


def test_a_stream_of_one_chunk_is_typed_afterwards(
    desk: Desk, taken: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "FIRST_CHUNK_BYTES", 2**20)
    with opened(desk) as workspace:
        workspace.pull("vip")
        assert not desk.home.warehouse.exists()
        workspace.compute(MODEL)
        assert len(table(workspace, MODEL)) == EVENTS
    assert taken == [None]


@pytest.mark.parametrize("lost", ["a chunk", "a file"])
def test_rows_of_other_chunks_than_the_journal_names_are_not_taken(
    desk: Desk, lost: str, monkeypatch: pytest.MonkeyPatch, taken: list[str | None]
) -> None:
    add = TypedAhead.add

    def losing(self: TypedAhead, landed: LandedChunk) -> None:
        if landed.file.endswith("-0002.ndjson.zst"):
            if lost == "a file":
                add(self, LandedChunk(**{**_fields(landed), "chunk": _renamed(landed)}))
            return
        add(self, landed)

    monkeypatch.setattr(TypedAhead, "add", losing)
    found = synced(desk)
    assert taken == [None]
    assert rebuilt(desk) == found


def _fields(landed: LandedChunk) -> dict[str, Any]:
    return {name: getattr(landed, name) for name in landed.__slots__}


def _renamed(landed: LandedChunk) -> Any:
    chunk = landed.chunk
    return type(chunk)(**{**{name: getattr(chunk, name) for name in chunk.__slots__}, "file": "vip/nowhere.zst"})


def test_a_pull_that_fails_leaves_none_of_it(desk: Desk, taken: list[str | None]) -> None:
    broken = desk.write("access_events/z.ndjson.gz", b"no gzip")
    with pytest.raises(SourceError, match=r"z\.ndjson"), opened(desk) as workspace:
        workspace.pull("vip")
    broken.unlink()
    found = synced(desk)
    assert len(found[0]) == EVENTS
    assert taken == []
    assert rebuilt(desk) == found


def test_a_process_that_dies_before_the_table_has_its_name_leaves_none_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, taken: list[str | None]
) -> None:
    with monkeypatch.context() as dying:

        def die(_: Increments, model: Model, *__: object, **___: object) -> None:
            assert model.name == MODEL
            raise KeyboardInterrupt

        dying.setattr(Increments, "_replace", die)
        with pytest.raises(KeyboardInterrupt):
            synced(desk)
    assert taken == [f"{MODEL}__arriving"]
    with opened(desk) as workspace:
        assert arriving(workspace) != []
    found = synced(desk)
    assert len(found[0]) == EVENTS
    assert rebuilt(desk) == found


def test_a_process_killed_while_it_types_leaves_none_of_it(desk: Desk, tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_killed_within, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert desk.home.warehouse.exists()
    assert landed_chunks(desk.journal) == []
    found = synced(desk)
    assert len(found[0]) == EVENTS
    assert rebuilt(desk) == found


def _killed_within(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patched, opened(Desk(folder)) as workspace:
        patched.setattr(files, "PAGE_RECORDS", 50)
        patched.setattr(landing, "FIRST_CHUNK_BYTES", 4096)

        def killing(stream: str, records: int) -> None:
            ahead = workspace._ahead
            if stream == "access_events" and records >= EVENTS // 2 and ahead is not None:
                wait(ahead._tasks["access_events"])
                assert ahead._typed["access_events"].chunks
                os.kill(os.getpid(), signal.SIGKILL)

        workspace.pull("vip", on_progress=killing)
