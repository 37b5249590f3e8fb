"""Turns, publishing, rebuilding, decisions."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.main import make_app, run
from cli.states import late_claims
from cli.working import notices_line
from pipeline.errors import RefusedError
from pipeline.home import Home
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from pipeline.publish import file_sha256
from resources.warehouse import open_for_writing
from tests.cli.network import FIRST, SECOND, copied, vipgrid, write, write_network, write_what_came_later


def test_a_turn_from_the_terminal_tells_what_arrived_and_what_it_made_of_it(tmp_path: Path) -> None:
    config = write_network(tmp_path / "net")
    write(tmp_path / "net", "trading_grid", "partners", "keyless.ndjson", [{"name": "Nobody"}])
    answer = vipgrid("sync", "--config", config, "--home", tmp_path / "home", "--now", FIRST, "--json")
    assert answer.returncode == 0, answer
    document = json.loads(answer.stdout)
    assert document["turn"] == "T000001"
    assert document["positions"]["current"] == {"pairs": 15, "partners": 5}
    assert [(row["stream"], row["rejected_because"]) for row in document["quarantine"]] == [
        ("partners", "partner_id is missing")
    ]
    write_what_came_later(tmp_path / "net")
    answer = vipgrid("sync", "--config", config, "--home", tmp_path / "home", "--now", SECOND)
    assert answer.returncode == 1, answer
    assert "stale_overdue" in answer.stdout
    assert "vipgrid decide approve T000002" in answer.stdout
    read = vipgrid("status", "--home", tmp_path / "home")
    assert "1 records were rejected on arrival" in read.stdout


def test_publishing_takes_the_last_complete_turn(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    run(make_app(), ["publish", "--full", "--config", str(config), "--home", str(home.path), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["turn"] == "T000002"
    manifest = json.loads((home.published / "full" / "manifest.json").read_text(encoding="utf-8"))
    assert {table["table"] for table in manifest["tables"]} >= {"freshness.positions", "marts.outdated_holdings"}


def _open_a_third_turn(home: Home) -> None:
    journal = Journal(home.ledger)
    turn = read_turns(journal).last
    assert turn is not None
    journal.append([turn.draft("turn_opened", {"turn": "3", "now": "2026-02-02T00:00:00.000000Z"})])


def test_a_turn_of_which_half_was_computed_is_neither_published_nor_reported(lived: Path, tmp_path: Path) -> None:
    config, home = copied(lived, tmp_path)
    _open_a_third_turn(home)
    with open_for_writing(home) as connection:
        connection.execute("update ops.models set turn_no = 3 where model = 'core.assets'")
    for command in ("publish", "report"):
        with pytest.raises(RefusedError, match="T000003 was begun and never completed"):
            run(make_app(), [command, "--config", str(config), "--home", str(home.path)])


def test_a_turn_whose_source_is_down_leaves_the_last_complete_one_to_report_on(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    _open_a_third_turn(home)
    run(make_app(), ["publish", "--config", str(config), "--home", str(home.path), "--json"])
    assert json.loads(capsys.readouterr().out)["turn"] == "T000002"
    run(make_app(), ["report", "--config", str(config), "--home", str(home.path), "--json"])
    assert "T000002" in capsys.readouterr().out


def _tables(home: Home) -> dict[str, str]:
    folder = home.published / "latest"
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*.parquet"))
        if path.stem != "runs"
    }


def test_a_rebuild_gives_identical_tables_and_changes_nothing_in_the_ledger_but_its_run(
    lived: Path, tmp_path: Path
) -> None:
    config, home = copied(lived, tmp_path)
    before, entries = _tables(home), list(Journal(home.ledger).entries())
    home.warehouse.unlink()
    run(make_app(), ["rebuild", "--config", str(config), "--home", str(home.path)])
    assert _tables(home) == before
    after = list(Journal(home.ledger).entries())
    assert after[: len(entries)] == entries
    assert {entry.kind for entry in after[len(entries) :]} <= {"run_started", "run_ended"}


def test_whoever_finds_the_lock_held_waits_and_says_for_whom(lived: Path, tmp_path: Path) -> None:
    config, home = copied(lived, tmp_path)
    descriptor = os.open(home.lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"process 4711", 0)
    command = [sys.executable, "-m", "tests.cli.door", "publish", "--config", str(config), "--home", str(home.path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    time.sleep(5)
    assert process.poll() is None
    os.close(descriptor)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "waiting for process 4711, which holds the warehouse" in err
    assert "Published" in out


def test_a_decision_is_journalled_with_who_and_why_and_frees_the_batch(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home = copied(lived, tmp_path)
    where = ["--config", str(config), "--home", str(home.path)]
    run(make_app(), ["decide", "approve", "T000002", "--reason", "looks right", "--actor", "Ada", *where, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (document["actor"], document["actions_changed"], document["is_new"]) == ("Ada", 6, True)
    (entry,) = [entry for entry in Journal(home.ledger).entries() if entry.kind == "decision"]
    assert (entry.actor, entry.reason, entry.data["kind"], entry.data["subject"]) == (
        "Ada",
        "looks right",
        "approve",
        "T000002",
    )
    assert run(make_app(), ["status", "--home", str(home.path), "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["outbox"].get("held_for_approval", 0) == 0
    with pytest.raises(RefusedError, match="no action and no batch"):
        run(make_app(), ["decide", "retry", "nothing", "--reason", "try", *where])
    with pytest.raises(RefusedError, match="--actor is empty"):
        run(make_app(), ["decide", "reject", "T000002", "--reason", "no", "--actor", " ", *where])


def test_an_exemption_names_a_partner_that_exists(lived: Path, tmp_path: Path) -> None:
    config, home = copied(lived, tmp_path)
    where = ["--config", str(config), "--home", str(home.path)]
    run(make_app(), ["decide", "exempt", "--partner", "P1", "--asset", "A0", "--reason", "stocks end in May", *where])
    with pytest.raises(RefusedError, match="P99"):
        run(make_app(), ["decide", "exempt", "--partner", "P99", "--reason", "typo", *where])


def test_what_keeps_notices_back_is_told_with_the_feed_that_nobody_serves() -> None:
    claims = [
        {"claim": "obligation", "is_late": False, "late_streams": None},
        {"claim": "position", "is_late": True, "late_streams": ["access_events", "deliveries"]},
    ]
    (line,) = late_claims(claims, {"access_events", "asset_versions"})
    assert line.startswith("Not known for certain is what partners hold, so no notice goes out; late: access_events, ")
    assert "deliveries (no connection serves it: docs/connections.md" in line


def test_of_suppressed_notices_is_spoken_only_where_there_are_any() -> None:
    counts = {"decided": 3, "sent": 2, "suppressed": 0}
    assert notices_line(counts) == "Notices of this turn: 3 decided, 2 sent."
    assert notices_line({**counts, "suppressed": 1}) == "Notices of this turn: 3 decided, 2 sent, 1 suppressed."
