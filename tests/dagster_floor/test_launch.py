"""The terminal's way in: a real instance below the home folder, quiet, one after the other, and after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from dagster import DagsterInstance, DagsterRunStatus, Definitions

from assets_defs.launch import Launched, Request, prepare_dagster_home, run_dispatch, run_sync, ui_environment
from pipeline.instants import parse_instant
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import read_turns
from tests.dagster_floor.network import NOW, Place

ROOT: Final = Path(__file__).parent.parent.parent
_SYNC: Final = """
import sys
from pathlib import Path
from assets_defs.definitions import build_defs
from assets_defs.launch import Request, run_sync
from pipeline.home import Home

folder = Path(sys.argv[1])
launched = run_sync(
    build_defs(), Request(config=folder / "vipgrid.yaml", home=Home(folder / "home"), actor="ada", on_step=print)
)
print(launched, flush=True)
sys.exit(0 if launched.is_success else 2)
"""


def request(place: Place, steps: list[str] | None = None) -> Request:
    on_step = None if steps is None else steps.append
    return Request(config=place.config, home=place.home, actor="ada", now=parse_instant(NOW), on_step=on_step)


def runs(place: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, DagsterRunStatus]:
    monkeypatch.setenv("VIPGRID_HOME", str(place.home.path))
    with DagsterInstance.from_config(str(prepare_dagster_home(place.home))) as instance:
        return {run.run_id: run.status for run in instance.get_runs()}


def start(place: Place) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-u", "-c", _SYNC, str(place.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_sync_from_the_terminal_is_quiet_tells_its_steps_and_is_there_for_the_ui(
    definitions: Definitions, place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    launched = run_sync(definitions, request(place, steps), dispatch=True)
    assert launched.is_success, launched.error
    assert launched.dispatched is not None
    assert launched.dispatched.pending == 2
    assert steps.index("landing.vip") < steps.index("core.partners") < steps.index("published.latest")
    assert capfd.readouterr() == ("", "")
    assert "VIPGRID_HOME" not in os.environ
    assert list(runs(place, monkeypatch).values()) == [DagsterRunStatus.SUCCESS] * 2


def test_an_outbox_can_be_drained_alone(definitions: Definitions, synced: Place) -> None:
    launched = run_dispatch(definitions, request(synced))
    assert launched.is_success, launched.error
    assert launched.dispatched is not None


def test_a_failed_sync_names_step_and_sentence(definitions: Definitions, place: Place) -> None:
    (place.folder / "source" / "partners" / "torn.ndjson.gz").write_bytes(b"\x1f\x8bno gzip")
    launched = run_sync(definitions, request(place))
    assert not launched.is_success
    assert launched.failed_step == "pull_trading_grid"
    assert "partners" in str(launched.error)


def test_a_kill_in_mid_run_is_reported_and_the_next_sync_completes_the_same_turn(
    definitions: Definitions, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = start(place)
    assert killed.stdout is not None
    for line in killed.stdout:
        if line.startswith("core."):
            break
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert killed.stderr is not None
    killed.stderr.close()
    before = read_turns(Journal(place.home.ledger)).last
    launched: Launched = run_sync(definitions, Request(config=place.config, home=place.home, actor="ada"))
    assert launched.is_success, launched.error
    turns = read_turns(Journal(place.home.ledger))
    assert turns.last_complete == before
    found = runs(place, monkeypatch)
    lost = {run_id: status for run_id, status in found.items() if run_id != launched.run_id}
    assert list(lost.values()) == [DagsterRunStatus.FAILURE]
    outcomes = [e.data.get("outcome") for e in Journal(place.home.ledger).entries(frozenset({"run_ended"}))]
    assert outcomes == ["lost", "succeeded"]


def test_two_syncs_at_once_both_succeed(place: Place) -> None:
    started = time.monotonic()
    both = [start(place), start(place)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out[-2000:] + err[-2000:]
    assert time.monotonic() - started < 120
    turns = read_turns(Journal(place.home.ledger))
    assert turns.unfinished is None
    assert turns.last is not None
    assert turns.last.number == 2


def test_the_ui_is_given_the_same_records_as_the_terminal(place: Place) -> None:
    environment = ui_environment(place.home, place.config)
    assert Path(environment["DAGSTER_HOME"]) == place.home.dagster.resolve()
    assert (place.home.dagster / "dagster.yaml").read_bytes() == (ROOT / "dagster.yaml").read_bytes()
