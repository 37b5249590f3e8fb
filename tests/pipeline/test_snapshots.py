"""A snapshot that somebody reads is not removed; one that nobody reads is, but for the last few."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.snapshots import MANIFEST, SNAPSHOTS_KEPT, clean, held_snapshot


@pytest.fixture
def published(tmp_path: Path) -> Path:
    (tmp_path / "snapshots").mkdir()
    return tmp_path


def publish(published: Path, number: int) -> Path:
    folder = published / "snapshots" / f"latest-T{number:06d}-0001"
    folder.mkdir()
    (folder / "table.parquet").write_text(str(number))
    (folder / MANIFEST).write_text(json.dumps({"turn": number}))
    os.utime(folder, (number, number))
    link = published / "latest"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("snapshots") / folder.name)
    clean(published / "snapshots", "latest", keep=folder)
    return folder


def names(published: Path) -> list[int]:
    return sorted(int(folder.name[8:14]) for folder in (published / "snapshots").iterdir())


def test_the_last_few_are_kept(published: Path) -> None:
    for number in range(1, 6):
        publish(published, number)
    assert names(published) == [3, 4, 5]
    assert len(names(published)) == SNAPSHOTS_KEPT


def test_a_reader_keeps_its_snapshot_however_many_follow(published: Path) -> None:
    publish(published, 1)
    with held_snapshot(published / "latest") as held, held_snapshot(published / "latest") as also:
        assert held is not None
        assert also is not None
        folder, manifest = held
        for number in range(2, 7):
            publish(published, number)
        assert manifest == {"turn": 1}
        assert (folder / "table.parquet").read_text() == "1"
        assert names(published) == [1, 4, 5, 6]
        with held_snapshot(published / "latest") as last:
            assert last is not None
            assert last[1] == {"turn": 6}
    publish(published, 7)
    assert names(published) == [5, 6, 7]


def test_what_a_killed_publishing_or_cleaning_left_is_removed(published: Path) -> None:
    (published / "snapshots" / "latest-T000000-0001").mkdir()
    os.utime(published / "snapshots" / "latest-T000000-0001", (0, 0))
    for number in range(1, 4):
        publish(published, number)
    assert names(published) == [1, 2, 3]


def test_where_nothing_was_published_there_is_nothing_to_hold(published: Path) -> None:
    with held_snapshot(published / "latest") as held:
        assert held is None
