"""Positions, holders, status."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.main import make_app, run
from tests.cli.network import FIRST, SECOND, copied, vipgrid


def asked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """Run a reading command here, with --json; return its document."""
    run(make_app(), [*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_positions_are_counted_and_listed(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "positions", "--home", lived / "home")
    assert document["as_of"] == "2026-02-01T00:00:00.000000Z"
    assert document["turn"] == "T000002"
    assert document["read_from"] == "warehouse"
    assert document["total"] == len(document["rows"]) == 24
    assert document["positions"] == {"current": 11, "never_held": 8, "stale_overdue": 4, "unknown_version": 1}
    assert {row["data_late"] for row in document["rows"]} == {False}


def test_positions_of_one_partner_and_asset_are_one_row(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "positions", "P0", "--asset", "A0", "--home", lived / "home")
    (row,) = document["rows"]
    assert (row["position"], row["held_versions"], row["target_version_no"]) == ("current", [1, 2], 2)


def test_a_limit_cuts_the_rows_and_not_the_total(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "positions", "--limit", "3", "--home", lived / "home")
    assert (len(document["rows"]), document["total"]) == (3, 24)


def test_a_position_as_of_an_earlier_instant_was_in_grace(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "positions", "--as-of", "2026-01-22T00:00:00Z", "--home", lived / "home")
    assert document["positions"]["stale_in_grace"] == 4
    assert document["is_past"] is True


def test_a_position_as_known_then_is_what_was_said_then(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = asked(capsys, "positions", "--as-of", FIRST, "--known-at", FIRST, "--home", lived / "home")
    assert document["turn"] == "T000001"
    assert document["positions"] == {"current": 15, "never_held": 8, "unknown_version": 1}


def test_holders_come_with_the_unknowns_and_nothing_is_sent(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (lived / "home" / "ledger" / "journal.ndjson").read_bytes()
    document = asked(capsys, "holders", "A0", "--home", lived / "home")
    assert document["partners"] == 6
    assert [row["partner_id"] for row in document["rows"] if row["copy"] == "unknown"] == ["P5"]
    assert sorted(row["partner_id"] for row in document["rows"] if row["version_no"] == 1) == [
        "P0",
        "P1",
        "P2",
        "P3",
        "P4",
    ]
    assert [row["event_id"] for row in document["unmatched_downloads"]] == ["EX"]
    assert len(document["recipients"]) == 6
    assert (lived / "home" / "ledger" / "journal.ndjson").read_bytes() == before


def test_status_says_what_waits_for_a_person_and_exits_1(lived: Path) -> None:
    answer = vipgrid("status", "--home", lived / "home", "--json")
    assert answer.returncode == 1
    document = json.loads(answer.stdout)
    assert [batch["batch"] for batch in document["waiting_for_a_person"]["batches"]] == ["T000002"]
    assert document["outbox"]["held_for_approval"] == 6
    assert {row["stream"] for row in document["streams"]} >= {"access_events", "partners"}
    assert not any(row["is_late"] for row in document["streams"])


def test_hostile_names_reach_neither_terminal_nor_json_raw(lived: Path) -> None:
    for form in ([], ["--json"]):
        answer = vipgrid("positions", "P1", "--home", lived / "home", *form)
        assert answer.returncode == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(answer.stdout)
    assert json.loads(answer.stdout)["rows"][0]["partner_name"].count("\x1b") == 2


def test_reading_never_imports_dagster(lived: Path) -> None:
    program = (
        "import sys\n"
        "from cli.main import make_app, run\n"
        "for command in (['positions'], ['holders', 'A0'], ['status']):\n"
        f"    run(make_app(), [*command, '--home', {str(lived / 'home')!r}, '--json'])\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'dagster']\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@contextmanager
def _somebody_writes(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse in another process, as a writer does."""
    program = (
        f"import duckdb, sys\nheld = duckdb.connect({str(warehouse)!r})\nprint('ready', flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    try:
        yield
    finally:
        process.communicate()


def test_while_somebody_writes_the_published_tables_answer_within_seconds(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, home = copied(lived, tmp_path)
    with _somebody_writes(home.warehouse):
        started = time.monotonic()
        document = asked(capsys, "positions", "--home", home.path)
        assert time.monotonic() - started < 15
        status = asked(capsys, "status", "--home", home.path)
    assert document["read_from"] == "published"
    assert document["positions"]["stale_overdue"] == 4
    assert status["outbox"]["held_for_approval"] == 6


def test_what_was_published_answers_where_the_warehouse_is_gone(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, home = copied(lived, tmp_path)
    home.warehouse.unlink()
    assert asked(capsys, "holders", "A0", "--home", home.path)["partners"] == 6


def test_a_home_where_nothing_was_read_says_so(tmp_path: Path) -> None:
    answer = vipgrid("positions", "--home", tmp_path / "nowhere")
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "run `vipgrid sync` first" in answer.stderr
    assert not (tmp_path / "nowhere").exists()


def test_what_is_not_known_is_refused(lived: Path) -> None:
    answer = vipgrid("holders", "Nothing", "--home", lived / "home")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "No asset 'Nothing' was known at 2026-02-01T00:00:00Z.\n"


def test_an_instant_without_an_offset_is_refused(lived: Path) -> None:
    answer = vipgrid("positions", "--as-of", "2026-01-22T00:00:00", "--home", lived / "home")
    assert answer.returncode == 2
    assert "has no offset" in answer.stderr


def test_the_lock_of_a_writer_does_not_hold_readers_up(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, home = copied(lived, tmp_path)
    descriptor = os.open(home.lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert asked(capsys, "positions", "--home", home.path)["read_from"] == "warehouse"
    finally:
        os.close(descriptor)


def test_the_latest_turn_is_the_default_question(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explicit = asked(capsys, "positions", "--as-of", SECOND, "--known-at", SECOND, "--home", lived / "home")
    default = asked(capsys, "positions", "--home", lived / "home")
    assert explicit["rows"] == default["rows"]
