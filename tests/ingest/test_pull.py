"""The pull: one entry per stream, resumed where it stopped, and nobody held up by somebody else's fault."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError, StateError
from pipeline.ingest.landed import landed_chunks, last_pulls, leftovers
from pipeline.ledger.journal import Journal
from tests.ingest.making import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("assets/x.ndjson", '{"asset_id":"a"}\n{"asset_id":"b"}\nnonsense\n')
    desk.write("grants/x.ndjson", '{"grant_id":"g"}\n')
    return desk


def test_each_stream_gets_one_entry_that_names_its_chunks(desk: Desk) -> None:
    outcome = desk.pull()
    assert outcome.pulled["assets"] == 3
    entries = {entry.source_id: entry.data for entry in desk.journal.entries(frozenset({"stream_pulled"}))}
    assert set(entries) == set(desk.settings.streams_of("vip"))
    assert entries["assets"]["turn"] == "1"
    assert entries["assets"]["connection"] == "vip"
    assert [(chunk["records"], chunk["rejected"]) for chunk in entries["assets"]["chunks"]] == [("3", "1")]
    assert entries["segments"]["chunks"] == []


def test_a_resumed_turn_pulls_only_what_it_does_not_have(desk: Desk) -> None:
    desk.pull(streams=["assets"])
    desk.write("assets/y.ndjson", '{"asset_id":"later"}\n')
    outcome = desk.pull()
    assert outcome.pulled["assets"] == 3
    assert Counter(e.source_id for e in desk.journal.entries(frozenset({"stream_pulled"}))).most_common(1)[0][1] == 1


def test_chunks_are_listed_with_what_is_needed_to_read_them(desk: Desk) -> None:
    desk.pull()
    found = {chunk.stream: chunk for chunk in landed_chunks(desk.journal)}
    assert set(found) == {"assets", "grants"}
    chunk = found["assets"]
    assert (chunk.system, chunk.turn, chunk.known_at) == ("vip", 1, "2026-03-02T08:00:00.000000Z")
    assert chunk.file == "vip/assets/000001-0001.ndjson.zst"
    assert chunk.pages_file == "vip/assets/000001-0001.pages.ndjson.zst"
    assert (chunk.mapping, chunk.is_snapshot) == ({}, False)


def test_a_stream_that_failed_is_on_record_and_pulled_when_the_turn_is_resumed(desk: Desk) -> None:
    path = desk.write("assets/y.ndjson.gz", "torn")
    assert list(desk.pull().failed) == ["assets"]
    path.unlink()
    outcome = desk.pull()
    assert (outcome.failed, outcome.pulled["assets"]) == ({}, 3)
    assert len(list(desk.journal.entries(frozenset({"stream_failed"})))) == 1


def test_what_nobody_names_is_found(desk: Desk) -> None:
    desk.pull()
    assert leftovers(desk.home.landing, desk.journal) == []
    left = desk.home.landing / "vip" / "assets" / "000007-0001.ndjson.zst"
    left.write_bytes(b"half")
    assert leftovers(desk.home.landing, desk.journal) == [left]


def test_progress_is_told_by_stream(desk: Desk) -> None:
    told: list[tuple[str, int]] = []
    desk.pull(on_progress=lambda stream, records: told.append((stream, records)))
    assert sorted(told) == [("assets", 3), ("grants", 1)]


def test_the_journal_is_written_under_the_callers_lock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()
    held = []
    real = Journal.append

    def append(journal: Journal, drafts: Any) -> None:
        held.append(lock.locked())
        real(journal, drafts)

    desk.turn()
    monkeypatch.setattr(Journal, "append", append)
    desk.pull(lock=lock)
    assert held == [True] * len(desk.settings.streams_of("vip"))


def test_a_stream_that_the_connection_does_not_serve_is_refused(desk: Desk) -> None:
    with pytest.raises(ConfigurationError, match="does not serve partners; it serves assets"):
        desk.pull(streams=["partners"])


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_disk_that_fills_up_ends_the_pull_and_the_next_one_completes_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    desk.turn()
    calls = iter(range(1, 1000))
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if next(calls) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StateError, match="No space left"):
        desk.pull()
    monkeypatch.undo()
    assert desk.pull().failed == {}
    assert [line.get("r") for line in desk.lines("assets")] == [{"asset_id": "a"}, {"asset_id": "b"}, None]
    assert desk.records("grants") == [{"grant_id": "g"}]


def test_a_pull_that_somebody_interrupts_ends_and_leaves_whole_streams_only(desk: Desk) -> None:
    def interrupt(stream: str, _records: int) -> None:
        if stream == "assets":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.pull(on_progress=interrupt)
    assert desk.lines("assets") == []
    assert desk.pull().failed == {}
    assert len(desk.lines("assets")) == 3


def test_the_last_pull_of_each_stream_is_found(desk: Desk) -> None:
    desk.pull()
    desk.next_turn()
    desk.pull()
    pull = last_pulls(desk.journal)["assets"]
    assert (pull.turn, pull.records, pull.reached_end) == (2, 0, True)
    assert pull.seen_files is not None
    assert pull.seen_files.file == "vip/assets/000001.files.ndjson.zst"


def test_a_harmed_list_of_files_is_an_error_and_not_a_second_reading(desk: Desk) -> None:
    desk.pull()
    desk.next_turn()
    (desk.home.landing / "vip/assets/000001.files.ndjson.zst").write_bytes(b"")
    with pytest.raises(StateError, match="was changed"):
        desk.pull()
