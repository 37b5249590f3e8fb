"""Landing files: complete, checksummed, and only there when they are whole."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.canonical import canonical
from pipeline.errors import StateError
from pipeline.ingest import landing as module
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.landing import StreamWriter, check_chunk, read_lines
from pipeline.ingest.landing_lines import MAX_RECORD_BYTES
from pipeline.ingest.pages import Item, Page, Unreadable

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def page(items: Sequence[Item], **more: Any) -> Page:
    facts: dict[str, Any] = {"body_sha256": "0" * 64, "request": {"method": "GET"}, "origin": "x", "received_at": NOW}
    return Page(items=items, **{**facts, **more})


def land(folder: Path, pages: Sequence[Page]) -> tuple[Chunk, ...]:
    with StreamWriter(folder, "vip", "assets", 12) as writer:
        for one in pages:
            writer.add(one)
        return writer.finish()


def test_a_record_is_stored_as_received_with_its_place_and_its_canonical_hash(tmp_path: Path) -> None:
    raw = b'{"b": 1.0,\r\n "a": "x"}'
    (chunk,) = land(tmp_path, [page([b'{"z":1}']), page([raw])])

    text = b"".join(_text(tmp_path / chunk.file).splitlines(keepends=True)[1:])
    sha256 = hashlib.sha256(b'{"a":"x","b":1}').hexdigest()
    assert text == b'{"p":2,"i":0,"h":"%b","r":{"b": 1.0,   "a": "x"}}\n' % sha256.encode()
    assert chunk.file == "vip/assets/000012-0001.ndjson.zst"
    assert (chunk.records, chunk.rejected, chunk.pages) == (2, 0, 2)


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense",
        b"[]",
        b"17",
        b'{"a":1,"a":2}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\u0000"}',
        b'{"a":1e400}',
        b'{"a":9007199254740993}',
        b'{"a":NaN}',
        b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
)
def test_what_nobody_can_read_is_kept_with_the_reason(tmp_path: Path, raw: bytes) -> None:
    (chunk,) = land(tmp_path, [page([b'{"a":1}', raw])])

    line = list(read_lines(tmp_path / chunk.file))[1]
    assert base64.b64decode(line["b"]) == raw
    assert line["h"] == hashlib.sha256(raw).hexdigest()
    assert line["q"]
    assert (chunk.records, chunk.rejected) == (2, 1)


def test_a_record_that_the_source_could_not_give_is_kept_with_the_sources_reason(tmp_path: Path) -> None:
    (chunk,) = land(tmp_path, [page([Unreadable(b"a;b", "the row has 1 cell")])])
    assert [line["q"] for line in read_lines(tmp_path / chunk.file)] == ["the row has 1 cell"]


def test_a_record_that_is_far_too_large_is_rejected_and_its_beginning_kept(tmp_path: Path) -> None:
    raw = b'{"a":"' + b"x" * MAX_RECORD_BYTES + b'"}'
    (chunk,) = land(tmp_path, [page([raw])])
    (line,) = read_lines(tmp_path / chunk.file)
    assert line["h"] == hashlib.sha256(raw).hexdigest()
    assert "bytes are kept" in line["q"]
    assert raw.startswith(base64.b64decode(line["b"]))


def test_each_page_has_a_line_with_how_it_came(tmp_path: Path) -> None:
    envelope = b'{"items":[],"next":"c2"}'
    (chunk,) = land(tmp_path, [page([b"{}", b"no"], envelope=envelope, status=200, cursor_out="c2")])
    assert list(read_lines(tmp_path / chunk.pages_file)) == [
        {
            "p": 1,
            "records": 2,
            "rejected": 1,
            "body_sha256": "0" * 64,
            "request": {"method": "GET"},
            "status": 200,
            "server_date": None,
            "received_at": "2026-03-02T08:00:00.000000Z",
            "cursor_in": None,
            "cursor_out": "c2",
            "envelope": {"items": [], "next": "c2"},
            "origin": "x",
        }
    ]


def test_large_streams_are_cut_into_chunks_with_pages_numbered_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_CHUNK_BYTES", 100)
    chunks = land(tmp_path, [page([b'{"a":%d}' % n]) for n in range(5)])
    assert len(chunks) > 1
    lines = [line for chunk in chunks for line in read_lines(tmp_path / chunk.file)]
    assert [(line["p"], line["r"]["a"]) for line in lines] == [(n + 1, n) for n in range(5)]


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    pages = [page([b'{"a":%d}' % n]) for n in range(5)]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert land(tmp_path / "one", pages) == land(tmp_path / "two", pages)


def test_what_a_killed_pull_left_is_replaced_by_the_next_try_of_the_turn(tmp_path: Path) -> None:
    folder = tmp_path / "vip" / "assets"
    folder.mkdir(parents=True)
    for name in (
        "000012-0001.ndjson.zst",
        "000012-0002.ndjson.zst",
        "000012-0003.ndjson.zst.tmp",
        "000011-0001.ndjson.zst",
    ):
        (folder / name).write_bytes(b"left over")
    land(tmp_path, [page([b"{}"])])
    assert sorted(path.name for path in folder.iterdir()) == [
        "000011-0001.ndjson.zst",
        "000012-0001.ndjson.zst",
        "000012-0001.pages.ndjson.zst",
    ]


def test_a_pull_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_CHUNK_BYTES", 10)
    with StreamWriter(tmp_path, "vip", "assets", 12) as writer:
        writer.add(page([b'{"a":1}']))
        writer.add(page([b'{"a":2}']))
    assert list((tmp_path / "vip" / "assets").iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_disk_that_refuses_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real = getattr(os, call)
    (tmp_path / "vip" / "assets").mkdir(parents=True)

    def refuse(*arguments: Any, **named: Any) -> Any:
        if call == "fsync" or "ndjson" in str(arguments[0]):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments, **named)

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StateError, match="No space left"):
        land(tmp_path, [page([b"{}"])])
    monkeypatch.undo()
    assert [path for path in (tmp_path / "vip" / "assets").iterdir() if not path.name.endswith(".tmp")] == []


@pytest.mark.parametrize("name", ["file", "pages_file"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_changed_chunk_is_found_and_named(tmp_path: Path, name: str, harm: str) -> None:
    (chunk,) = land(tmp_path, [page([b'{"a":1}'])])
    check_chunk(tmp_path, chunk)
    path = tmp_path / str(getattr(chunk, name))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    match harm:
        case "flip":
            path.write_bytes(data)
        case "cut":
            path.write_bytes(data[:-1])
        case _:
            path.unlink()
    with pytest.raises(StateError, match=path.name):
        check_chunk(tmp_path, chunk)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    (chunk,) = land(tmp_path, [page([b"{}"])])
    assert (tmp_path / chunk.file).stat().st_mode & 0o077 == 0


def test_a_chunk_survives_the_journal() -> None:
    chunk = Chunk("f", "a", 3, 1, "p", "b", 2)
    assert Chunk.from_data(chunk.as_data()) == chunk
    assert {type(value) for value in chunk.as_data().values()} == {str}


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(records=st.lists(st.dictionaries(st.sampled_from("abc"), _json, max_size=3), max_size=5))
def test_whatever_is_json_is_landed_and_hashed_by_content(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("landing")
    chunks = land(folder, [page([canonical(record) for record in records])])
    lines = [line for chunk in chunks for line in read_lines(folder / chunk.file)]
    assert [line["h"] for line in lines] == [hashlib.sha256(canonical(record)).hexdigest() for record in records]
    assert [line["r"] for line in lines] == records


def _text(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()
