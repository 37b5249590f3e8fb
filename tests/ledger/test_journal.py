"""The journal: canonical, durable, append-only, and mended where a process died while it wrote."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785

from pipeline.errors import StateError
from pipeline.ledger.journal import Draft, Journal, Value

KNOWN_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def draft(kind: str = "turn_opened", **data: Value) -> Draft:
    return Draft(kind=kind, known_at=KNOWN_AT, actor="tester", role="system", run_id="T000001", data=data)


def test_an_entry_is_the_canonical_text_of_the_envelope(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([draft(turn="1", note="Größe \U0001f600 \u000b")])
    line = journal.path.read_bytes().removesuffix(b"\n")
    assert line == rfc8785.dumps(json.loads(line))
    assert json.loads(line)["known_at"] == "2026-03-02T08:00:00.000000Z"


def test_entries_come_back_in_order_with_their_numbers(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([draft(turn="1"), draft("other", x=None)])
    journal.append([draft(turn="2")])
    assert [(entry.seq, entry.kind) for entry in journal.entries()] == [
        (0, "turn_opened"),
        (1, "other"),
        (2, "turn_opened"),
    ]
    assert [entry.seq for entry in journal.entries(frozenset({"other"}))] == [1]


def test_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="numbers are written as text"):
        Journal(tmp_path).append([draft(turn=1)])  # type: ignore[arg-type]
    assert not (tmp_path / "journal.ndjson").exists()


def test_an_entry_that_is_too_large_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(StateError, match="more than 65535"):
        journal.append([draft(turn="1"), draft(turn="x" * 70_000)])
    assert not journal.path.exists()


@pytest.mark.parametrize("torn", [b"{", b'{"v":"1","kind":"half', b"x" * 200_000])
def test_a_torn_tail_is_set_aside_and_the_entries_before_it_stay(tmp_path: Path, torn: bytes) -> None:
    journal = Journal(tmp_path)
    journal.append([draft(turn="1")])
    whole = journal.path.read_bytes()
    with journal.path.open("ab") as file:
        file.write(torn)
    aside = journal.mend()
    assert aside is not None
    assert aside.read_bytes() == torn
    assert journal.path.read_bytes() == whole
    assert journal.mend() is None


def test_a_disk_that_refuses_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.append([draft(turn="1")])
    whole = journal.path.read_bytes()

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        journal.append([draft(turn="2")])
    assert journal.path.read_bytes() == whole


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": "x"}])
def test_text_that_is_none_is_refused_and_nothing_is_written(tmp_path: Path, value: Value) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(StateError, match="no canonical text"):
        journal.append([draft(turn="1"), draft(turn=value)])
    assert not journal.path.exists()


def test_numbers_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    for data in ({"a": [{"b": 1.5}]}, {"\U0001f600": "x", "n": 1}):
        with pytest.raises(StateError, match="numbers are written as text"):
            Journal(tmp_path).append([draft(**data)])


def test_a_line_that_is_no_entry_is_named_by_its_number(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([draft(turn="1")])
    with journal.path.open("ab") as file:
        file.write(b"nonsense\n")
    with pytest.raises(StateError, match="Entry 1 "):
        list(journal.entries())
