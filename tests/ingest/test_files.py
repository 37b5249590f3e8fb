"""Folders of files: what is new is read once, what cannot be read is named."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.ingest import files as module
from pipeline.ingest.landed import last_pulls
from pipeline.instants import format_instant, parse_instant
from tests.ingest.making import NOW, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def parquet(**columns: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("ending", ["ndjson", "jsonl"])
@pytest.mark.parametrize(("more", "pack"), [("", bytes), (".gz", gz), (".zst", zst)])
def test_lines_are_read_whatever_packs_them(desk: Desk, ending: str, more: str, pack: Any) -> None:
    content = b'\xef\xbb\xbf{"asset_id": "a1"}\r\n\n   \n{"asset_id": "a2"}'
    path = desk.write(f"assets/x.{ending}{more}", pack(content))
    assert desk.pull().failed == {}
    assert desk.records("assets") == [{"asset_id": "a1"}, {"asset_id": "a2"}]
    (page,) = desk.page_lines("assets")
    assert page["body_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert page["origin"] == f"assets/x.{ending}{more}"


def test_a_zst_file_of_several_frames_is_read_to_its_end(desk: Desk) -> None:
    desk.write("assets/x.ndjson.zst", zst(b'{"asset_id":"a1"}\n') + zst(b'{"asset_id":"a2"}\n'))
    desk.pull()
    assert len(desk.records("assets")) == 2


def test_files_come_in_the_order_of_their_names_and_others_are_left_alone(desk: Desk) -> None:
    desk.write("assets/2.ndjson", '{"asset_id":"b"}')
    desk.write("assets/1.csv", "asset_id\na\n")
    for name in ("readme.txt", ".hidden.ndjson", "1.ndjson.part", "x.json", "ndjson"):
        desk.write(f"assets/{name}", "nonsense")
    (desk.data / "assets" / "folder.ndjson").mkdir()
    desk.pull()
    assert [record["asset_id"] for record in desk.records("assets")] == ["a", "b"]


def test_a_file_is_read_once_and_a_changed_one_whole(desk: Desk) -> None:
    desk.write("assets/1.ndjson", '{"asset_id":"a"}\n')
    desk.write("assets/2.ndjson", '{"asset_id":"b"}\n')
    desk.pull()
    desk.next_turn()
    assert desk.pull().pulled["assets"] == 0
    desk.next_turn()
    desk.write("assets/2.ndjson", '{"asset_id":"b"}\n{"asset_id":"c"}\n')
    desk.write("assets/3.ndjson", '{"asset_id":"d"}\n')
    desk.pull()
    assert desk.records("assets", turn=3) == [{"asset_id": "b"}, {"asset_id": "c"}, {"asset_id": "d"}]
    desk.next_turn()
    desk.write("assets/2.ndjson", '{"asset_id":"b"}\n')
    desk.pull()
    assert desk.records("assets", turn=4) == [{"asset_id": "b"}]


def test_an_empty_file_is_a_page_without_records(desk: Desk) -> None:
    for name in ("x.ndjson", "y.csv"):
        desk.write(f"assets/{name}", "")
    desk.write("assets/z.parquet", parquet(asset_id=pa.array([], pa.string())))
    assert desk.pull().failed == {}
    assert [(page["origin"], page["records"]) for page in desk.page_lines("assets")] == [
        ("assets/x.ndjson", 0),
        ("assets/y.csv", 0),
        ("assets/z.parquet", 0),
    ]


def test_a_large_file_is_several_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE_RECORDS", 2)
    desk.write("assets/x.ndjson", "".join(f'{{"asset_id":"{n}"}}\n' for n in range(5)))
    desk.pull()
    assert [(line["p"], line["i"]) for line in desk.lines("assets")] == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    assert [page["request"]["part"] for page in desk.page_lines("assets")] == ["1", "2", "3"]


def test_a_line_without_end_is_cut_off_and_the_next_one_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RECORD_BYTES", 100)
    desk.write("assets/x.ndjson", '{"a":"' + "x" * 1000 + '"}\n{"asset_id":"b"}\n')
    desk.pull()
    first, second = desk.lines("assets")
    assert "the line has 1009 bytes" in first["q"]
    assert second["r"] == {"asset_id": "b"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.ndjson.gz", gz(b'{"asset_id":"a"}\n' * 1000)[:-20]),
        ("x.ndjson.gz", b"not gzip"),
        ("x.ndjson.gz", gz(b'{"asset_id":"a"}\n' * 1000)[:30] + b"\xff" * 30),
        ("x.ndjson.zst", zst(b'{"asset_id":"a"}\n' * 1000)[:-5]),
        ("x.ndjson.zst", b"not zst"),
        ("x.csv.gz", gz(b"asset_id\na\n")[:-3]),
        ("x.parquet", parquet(asset_id=["a"])[:-5]),
        ("x.parquet", b""),
        ("x.parquet.zst", zst(b"PAR1")),
        ("x.csv", "asset_id,asset_id\n1,2\n"),
    ],
)
def test_a_torn_file_is_named_and_nothing_of_its_stream_is_landed(desk: Desk, name: str, content: bytes) -> None:
    desk.write("assets/0.ndjson", '{"asset_id":"good"}\n')
    desk.write("grants/0.ndjson", '{"grant_id":"good"}\n')
    path = desk.write(f"assets/{name}", content)
    outcome = desk.pull()

    assert list(outcome.failed) == ["assets"]
    assert str(outcome.failed["assets"]).startswith(f"The file {path} of connection vip cannot be read: ")
    assert desk.lines("assets") == []
    assert list((desk.home.landing / "vip" / "assets").iterdir()) == []
    assert desk.records("grants") == [{"grant_id": "good"}]
    (failure,) = desk.journal.entries(frozenset({"stream_failed"}))
    assert (failure.source_id, failure.data["error"]) == ("assets", str(outcome.failed["assets"]))


def test_a_folder_that_is_not_there_is_an_error_but_an_absent_stream_is_none(desk: Desk) -> None:
    assert desk.pull().failed == {}
    desk.next_turn()
    desk.data.rmdir()
    failed = desk.pull().failed
    assert "is not there" in str(failed["assets"])
    assert len(failed) == 10


@pytest.mark.parametrize(
    ("watermark", "of_present", "of_absent"),
    [
        ("now", format_instant(NOW), format_instant(NOW)),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z"),
        (None, "2026-03-01T08:00:00.000000Z", None),
    ],
)
def test_the_watermark_is_what_the_configuration_says(
    tmp_path: Path, watermark: str | None, of_present: str, of_absent: str | None
) -> None:
    desk = Desk(tmp_path, watermark=watermark, safety_lag="1d")
    desk.write("assets/x.ndjson", "")
    desk.pull()
    pulls = last_pulls(desk.journal)
    assert (pulls["assets"].watermark, pulls["grants"].watermark) == (of_present, of_absent)
    assert (pulls["assets"].reached_end, pulls["grants"].reached_end) == (True, of_absent is not None)


def test_the_original_of_a_csv_or_parquet_file_is_kept_under_its_hash(desk: Desk) -> None:
    for name, content in (("x.csv.gz", gz(b"asset_id\na\n")), ("y.parquet", parquet(asset_id=["b"]))):
        desk.write(f"assets/{name}", content)
    desk.pull()
    for page in desk.page_lines("assets"):
        original = desk.home.landing / page["request"]["original"]
        assert original.read_bytes() == (desk.data / page["origin"]).read_bytes()
        assert original.name.startswith(page["body_sha256"])


def test_an_original_that_was_harmed_is_written_again(desk: Desk) -> None:
    path = desk.write("assets/x.csv", "asset_id\na\n")
    kept = desk.home.landing / "originals" / f"{hashlib.sha256(path.read_bytes()).hexdigest()}.csv"
    kept.parent.mkdir()
    kept.write_bytes(b"half")
    desk.pull()
    assert kept.read_bytes() == path.read_bytes()


def test_csv_cells_become_what_the_catalog_says(desk: Desk) -> None:
    desk.write(
        "asset_versions/x.csv",
        "\ufeffasset_id,version_no,size_bytes,restricted_regions,effective_local,extra\r\n"
        '007,3,,"[""US"",""DE-BY""]",2026-03-01T00:00:00,"a ""quoted""\nline"\r\n'
        "\r\n"
        "a2,4.0,x12,US,,\r\n",
    )
    desk.pull()
    assert desk.records("asset_versions") == [
        {
            "asset_id": "007",
            "version_no": 3,
            "size_bytes": None,
            "restricted_regions": ["US", "DE-BY"],
            "effective_local": "2026-03-01T00:00:00",
            "extra": 'a "quoted"\nline',
        },
        {
            "asset_id": "a2",
            "version_no": 4,
            "size_bytes": "x12",
            "restricted_regions": "US",
            "effective_local": None,
            "extra": None,
        },
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("FALSE", False), ("1", True), ("0", False), ("yes", "yes")]
)
def test_booleans_of_csv_are_read_where_they_are_plain(desk: Desk, text: str, value: object) -> None:
    desk.write("package_items/x.csv", f"package_id,asset_id,required\np,a,{text}\n")
    desk.pull()
    assert [record["required"] for record in desk.records("package_items")] == [value]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"a,b,c\n", "3 cells where the header has 2"),
        (b"a\n", "1 cells where the header has 2"),
        (b'"a"x,b\n', "not a CSV row"),
        (b"\xff,b\n", "not UTF-8"),
        (b"\0,b\n", "U+0000"),
    ],
)
def test_a_bad_csv_row_is_rejected_and_the_next_one_read(desk: Desk, row: bytes, reason: str) -> None:
    desk.write("assets/x.csv", b"asset_id,title\n" + row + b"good,x\n")
    assert desk.pull().failed == {}
    bad, good = desk.lines("assets")
    assert reason in bad["q"]
    assert good["r"]["asset_id"] == "good"


def test_a_number_that_no_double_holds_is_rejected_and_not_rounded(desk: Desk) -> None:
    desk.write("access_events/x.csv", "event_id,bytes\ne1,9007199254740993\n")
    desk.pull()
    assert "q" in desk.lines("access_events")[0]


def test_parquet_values_become_what_the_catalog_says(desk: Desk) -> None:
    stamp = parse_instant("2026-03-02T08:00:00.5Z")
    desk.write(
        "asset_versions/x.parquet",
        parquet(
            asset_id=pa.array(["a1", "a2"]).dictionary_encode(),
            version_no=pa.array([3.0, None], pa.float64()),
            size_bytes=pa.array([10, None], pa.int32()),
            approved_at=pa.array([stamp, None], pa.timestamp("ns", "Europe/Berlin")),
            withdrawn_at=pa.array([stamp.replace(tzinfo=None), None], pa.timestamp("ms")),
            effective_local=pa.array([stamp.replace(tzinfo=None), None], pa.timestamp("us")),
            restricted_regions=pa.array([["US"], None], pa.list_(pa.string())),
            expires_at=pa.array([stamp.date(), None], pa.date32()),
            title=pa.array([b"\xc3\xa4", None], pa.binary()),
        ),
    )
    desk.pull()
    first, second = desk.records("asset_versions")
    assert first == {
        "asset_id": "a1",
        "version_no": 3,
        "size_bytes": 10,
        "approved_at": "2026-03-02T08:00:00.500000Z",
        "withdrawn_at": "2026-03-02T08:00:00.500000Z",
        "effective_local": "2026-03-02T08:00:00.500000",
        "restricted_regions": ["US"],
        "expires_at": "2026-03-02",
        "title": "ä",
    }
    assert {name: value for name, value in second.items() if value is not None} == {"asset_id": "a2"}


def test_parquet_texts_that_are_not_utf_8_reject_their_row_only(desk: Desk) -> None:
    desk.write("assets/x.parquet", parquet(asset_id=pa.array([b"\xff", b"good"], pa.binary())))
    desk.pull()
    bad, good = desk.lines("assets")
    assert "not UTF-8" in bad["q"]
    assert good["r"] == {"asset_id": "good"}


@pytest.mark.parametrize(("more", "pack"), [(".gz", gz), (".zst", zst)])
def test_packed_parquet_is_unpacked_and_nothing_is_left(desk: Desk, more: str, pack: Any) -> None:
    desk.write(f"assets/x.parquet{more}", pack(parquet(asset_id=["a"])))
    desk.pull()
    assert desk.records("assets") == [{"asset_id": "a"}]
    assert list(desk.home.scratch.iterdir()) == []


def test_the_same_rows_are_the_same_content_in_every_format(desk: Desk) -> None:
    row = {"asset_id": "a", "version_no": 3, "approval_status": "approved", "restricted_regions": ["US"]}
    desk.write("asset_versions/1.ndjson", json.dumps(row))
    desk.write(
        "asset_versions/2.csv", 'approval_status,asset_id,version_no,restricted_regions\napproved,a,3,"[""US""]"\n'
    )
    desk.write("asset_versions/3.parquet", parquet(**{name: pa.array([value]) for name, value in row.items()}))
    desk.pull()
    assert len({line["h"] for line in desk.lines("asset_versions")}) == 1
