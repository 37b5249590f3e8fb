"""Webserver, daemon, code server and runs as real processes: two presses at once, sensors during a run, a power cut."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.dagster_floor.network import Place, make_place
from tests.dagster_floor.ui import Ui, start_ui, until

PATIENCE_SECONDS: Final = 300  # that it ends is held; how fast it is depends on what else the machine does
_TICKS = """
{ sensorsOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "vipgrid"}) {
    ... on Sensors { results { name sensorState { status ticks(limit: 20) { status timestamp } } } } } }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def ui(place: Place) -> Iterator[Ui]:
    ui = start_ui(place, place.folder / "dev.log")
    yield ui
    ui.stop()


def ticks(ui: Ui) -> list[str]:
    sensors = ui.ask(_TICKS)["sensorsOrError"]["results"]
    return [tick["status"] for sensor in sensors for tick in sensor["sensorState"]["ticks"]]


def test_two_presses_at_once_both_succeed_one_after_the_other_and_sensors_tick(ui: Ui) -> None:
    first, second = ui.press_materialize(), ui.press_materialize("marts/outdated_holdings", "published/latest")
    assert ui.wait_finished(first, PATIENCE_SECONDS) == "SUCCESS"
    assert ui.wait_finished(second, PATIENCE_SECONDS) == "SUCCESS"
    spans = sorted([ui.times(first), ui.times(second)])
    assert spans[0][1] <= spans[1][0]
    found = ticks(ui)
    assert found
    assert "FAILURE" not in found


def test_after_everything_was_killed_in_mid_run_the_next_press_succeeds(place: Place, ui: Ui) -> None:
    lost = ui.press_materialize()
    until(lambda: any(line["run_id"] == lost for line in place.lines_of_log()), PATIENCE_SECONDS)
    ui.kill()
    restarted_at = time.monotonic()
    again = start_ui(place, place.folder / "dev2.log")
    try:
        pressed = again.press_materialize()
        assert again.wait_finished(pressed, PATIENCE_SECONDS) == "SUCCESS"
        took = time.monotonic() - restarted_at
        assert again.status(lost) == "FAILURE"
        print(f"killed in mid-run; the next press had succeeded {took:.0f} s after the restart")
    finally:
        again.stop()


def test_the_ui_listens_on_loopback_only(place: Place) -> None:
    assert "127.0.0.1" in (place.folder / "dev.log").read_text()
    assert "0.0.0.0" not in Path(place.folder / "dev.log").read_text()
