"""Reports as they lie on disk."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RefusedError
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.publish import file_sha256
from pipeline.reports.completeness import Completeness
from pipeline.reports.issue import Issued, copy_report, issue_report
from pipeline.reports.period import choose_period, parse_month
from pipeline.reports.tables import Format, columns_of, write_table
from pipeline.settings import load_settings
from pipeline.sqlmodels.relations import Question
from resources.warehouse import open_in_memory
from resources.workspace import Workspace
from tests.cli.network import FIRST, HOSTILE, SECOND, copied, sync, write


def _issue(config: Path, home: Home, **parameters: object) -> Issued:
    with Workspace.open(load_settings(config), home, what="report", actor="Ada") as workspace:
        workspace.refresh_folds()
        return issue_report(
            workspace.connection,
            home,
            workspace.graph,
            workspace.turn,
            **parameters,  # type: ignore[arg-type]
        )


def _bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def changeable(lived: Path, tmp_path: Path) -> tuple[Path, Home]:
    return copied(lived, tmp_path)


def test_a_report_has_its_tables_a_page_and_a_manifest_that_says_what_they_rest_on(
    changeable: tuple[Path, Home],
) -> None:
    issued = _issue(*changeable, actor="Ada")
    manifest = json.loads((issued.folder / "manifest.json").read_text(encoding="utf-8"))
    assert issued.completeness is Completeness.COMPLETE
    assert (manifest["as_of"], manifest["turn"]) == ("2026-02-01T00:00:00.000000Z", "T000002")
    assert {table["table"] for table in manifest["tables"]} >= {
        "marts.audit_trail",
        "marts.notice_log",
        "marts.outdated_holdings",
        "marts.partner_currency",
        "marts.reconciliation",
    }
    for table in manifest["tables"]:
        assert [file["form"] for file in table["files"]] == ["parquet", "csv-exact", "csv-spreadsheet"]
        for file in table["files"]:
            assert file_sha256(issued.folder / file["file"]) == file["sha256"]
        assert pq.read_table(issued.folder / table["files"][0]["file"]).num_rows == table["rows"]
    assert {stream["watermark"] for stream in manifest["watermarks"]} == {"2026-02-01T00:00:00.000000Z"}
    assert file_sha256(issued.folder / "report.html") == manifest["page"]["sha256"]
    for path in issued.folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    (entry,) = [entry for entry in Journal(changeable[1].ledger).entries() if entry.kind == "report_issued"]
    assert (entry.actor, entry.source_id) == ("Ada", issued.name)
    assert entry.data["manifest_sha256"] == file_sha256(issued.folder / "manifest.json")


def test_the_same_state_gives_the_same_bytes(changeable: tuple[Path, Home], tmp_path: Path) -> None:
    first = _issue(*changeable)
    before = _bytes(first.folder)
    again = _issue(*changeable)
    assert (again.folder, again.is_new) == (first.folder, False)
    first.folder.rename(tmp_path / "aside")
    third = _issue(*changeable)
    assert third.is_new
    assert _bytes(third.folder) == before
    changeable[1].warehouse.unlink()
    with Workspace.open(load_settings(changeable[0]), changeable[1], what="rebuild", actor="Ada") as workspace:
        workspace.rebuild()
    assert not _issue(*changeable).is_new


def test_a_report_is_issued_again_as_it_was_known_then(changeable: tuple[Path, Home]) -> None:
    config, home = changeable
    last = _issue(config, home)
    write(config.parent, "trading_grid", "partners", "c.ndjson", [{"partner_id": "P9", "name": "Late"}])
    sync(config, home, "2026-02-20T00:00:00Z")
    now = _issue(config, home)
    assert now.name != last.name
    again = _issue(
        config,
        home,
        as_of=datetime(2026, 2, 1, tzinfo=UTC),
        known_at=datetime(2026, 2, 1, tzinfo=UTC),
        ledger_seq=last.manifest["ledger_seq"],
    )
    assert (again.name, again.is_new) == (last.name, False)


def test_a_month_is_reported_as_of_its_end_and_has_the_months_events(changeable: tuple[Path, Home]) -> None:
    config, home = changeable
    sync(config, home, "2026-02-11T00:00:00Z")
    january = _issue(config, home, month="2026-01")
    assert january.manifest["as_of"] == SECOND.replace("Z", ".000000Z")
    assert january.rows["marts.outdated_holdings"] == 4
    assert january.rows["marts.audit_trail"] == 18
    february = _issue(config, home, month="2026-02")
    assert february.manifest["period"]["is_running"] is True
    assert february.manifest["as_of"] == "2026-02-11T00:00:00.000000Z"
    assert february.rows["marts.audit_trail"] == 0
    for wrong in ("2026-13", "2026-2", "x/../y", "2027-01"):
        with pytest.raises(RefusedError):
            _issue(config, home, month=wrong)


def test_a_late_feed_or_a_quarantined_record_makes_a_report_partial(changeable: tuple[Path, Home]) -> None:
    config, home = changeable
    late = _issue(config, home, as_of=datetime(2026, 2, 2, tzinfo=UTC))
    assert late.completeness is Completeness.PARTIAL
    assert "access_events was known whole up to 2026-02-01T00:00Z only" in late.manifest["reasons"]
    write(config.parent, "trading_grid", "partners", "c.ndjson", [{"name": "no key"}])
    sync(config, home, "2026-02-03T00:00:00Z")
    rejected = _issue(config, home)
    assert rejected.manifest["reasons"] == ["1 record could not be read and waits in quarantine"]
    assert rejected.manifest["quarantined"] == [{"stream": "partners", "reason": "partner_id is missing", "records": 1}]


def test_hostile_text_is_harmless_in_page_and_files(changeable: tuple[Path, Home]) -> None:
    issued = _issue(*changeable)
    page = (issued.folder / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    assert "http://" not in page
    assert "https://" not in page
    names = {}
    for form in ("csv-exact", "csv-spreadsheet"):
        with (issued.folder / form / "partner_currency.csv").open(encoding="utf-8", newline="") as file:
            names[form] = {row["partner_id"]: row["partner_name"] for row in csv.DictReader(file)}["P1"]
    assert names == {"csv-exact": HOSTILE, "csv-spreadsheet": f"'{HOSTILE}"}


def test_a_copy_elsewhere_is_whole_and_replaces_nothing(changeable: tuple[Path, Home], tmp_path: Path) -> None:
    issued = _issue(*changeable)
    out = copy_report(issued, tmp_path / "out")
    assert _bytes(out) == _bytes(issued.folder)
    assert copy_report(issued, tmp_path / "out") == out
    (out / "report.html").write_text("other", encoding="utf-8")
    with pytest.raises(RefusedError, match="is not this report"):
        copy_report(issued, tmp_path / "out")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    home = Home(tmp_path.resolve() / "home")
    home.make()
    with open_in_memory(home) as connection:
        yield connection, home.reports


AWKWARD = [
    None,
    "",
    "'",
    "''",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\tx",
    "\rx",
    "\nx",
    "\x00x",
    'a"b',
    "a,b",
    "null",
    "NULL",
    " x ",
    "é\u2013\u202e",
]


def test_exact_csv_comes_back_value_by_value_and_spreadsheet_csv_by_taking_one_quote_away(
    memory: tuple[duckdb.DuckDBPyConnection, Path],
) -> None:
    connection, folder = memory
    connection.execute(
        "create table t (id integer, text varchar, read_at timestamptz, texts varchar[], rate double,"
        " flag boolean, big bigint)"
    )
    for number, text in enumerate(AWKWARD):
        at = datetime(2026, 1, 1, 0, 0, 0, 1 + number, tzinfo=UTC) if number % 3 else None
        texts = [text, "=x"] if number % 2 else None
        row = [number, text, at, texts, number / 7, number % 2 == 0, 2**60 + number]
        connection.execute("insert into t values (?, ?, ?, ?, ?, ?, ?)", row)
    for form in Format:
        write_table(connection, "select * from t", ["id"], "t", folder, form)
    kinds = {column.name: column.kind for column in columns_of(connection, "select * from t")}
    typed = ", ".join(f"'{name}': '{'json' if kind.endswith(']') else kind}'" for name, kind in kinds.items())
    original = connection.sql("select * replace (to_json(texts)::varchar as texts) from t order by id").fetchall()
    for mode in ("csv-exact", "csv-spreadsheet"):
        back = connection.sql(
            "select * replace (texts::varchar as texts"
            + (", case when text[1] = '''' then text[2:] else text end as text" if mode != "csv-exact" else "")
            + f") from read_csv('{folder / mode / 't.csv'}', columns = {{{typed}}}, header = true, quote = '\"',"
            " escape = '\"', delim = ',', nullstr = '', allow_quoted_nulls = false,"
            " new_line = '\\n', auto_detect = false)"
        ).fetchall()
        assert back == original, mode
    raw = (folder / "csv-spreadsheet" / "t.csv").read_text(encoding="utf-8")
    for start in ("=", "+", "-", "@", "\t", "\r", "\n", "\x00"):
        assert f',"{start}' not in raw


def test_a_month_is_half_open_and_the_question_is_its_end() -> None:
    month = parse_month("2025-12")
    assert (month.start, month.end) == (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    last = Question(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC))
    period = choose_period(last, month=month)
    assert (period.question.as_of, period.is_running, period.name) == (month.end, False, "2025-12")
    with pytest.raises(RefusedError, match="not both"):
        choose_period(last, month=month, as_of=last.as_of)
    assert choose_period(last).name == "as-of-20260110T000000Z"
    assert FIRST.startswith("2026-01-10")
