"""Sensors: small pure decisions, and that they tick without ever opening the warehouse."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from dagster import (
    DagsterEventType,
    DagsterInstance,
    Definitions,
    RunRequest,
    SensorDefinition,
    SensorResult,
    SkipReason,
    build_run_status_sensor_context,
    build_sensor_context,
)

from assets_defs.sensors import (
    RedCheck,
    alert_wanted,
    dispatch_wanted,
    failed_run_message,
    red_check_message,
)
from pipeline.home import Home
from pipeline.instants import parse_instant
from resources.outbox_state import Waiting, read_waiting
from tests.dagster_floor.network import Place, materialize

NOW: Final = parse_instant("2026-03-02T08:00:00Z")
WAITING: Final = Waiting("T000001", 3, "abc")
RED: Final = RedCheck("ops/streams", "streams_are_not_failing", "run1", 2)


def sensor(definitions: Definitions, name: str) -> SensorDefinition:
    return definitions.resolve_sensor_def(name)


def test_nothing_is_asked_for_where_nothing_waits() -> None:
    assert dispatch_wanted(None, None, NOW) == "Nothing was published yet."
    assert "T000001" in dispatch_wanted(Waiting("T000001", 0, "abc"), None, NOW)


def test_a_drain_is_asked_for_once_and_again_after_a_while_with_another_key() -> None:
    asked = dispatch_wanted(WAITING, None, NOW)
    assert isinstance(asked, tuple)
    key, cursor = asked
    assert isinstance(dispatch_wanted(WAITING, cursor, NOW + timedelta(minutes=1)), str)
    again = dispatch_wanted(WAITING, cursor, NOW + timedelta(minutes=6))
    assert isinstance(again, tuple)
    assert again[0] != key


def test_a_drain_is_asked_for_at_once_where_the_outbox_has_changed() -> None:
    asked = dispatch_wanted(WAITING, None, NOW)
    assert isinstance(asked, tuple)
    assert isinstance(dispatch_wanted(Waiting("T000002", 1, "def"), asked[1], NOW), tuple)


def test_a_red_check_is_told_once_a_day_until_it_is_green() -> None:
    fresh, cursor = alert_wanted([RED], None, NOW)
    assert fresh == [RED]
    fresh, cursor = alert_wanted([RED], cursor, NOW + timedelta(hours=1))
    assert fresh == []
    fresh, cursor = alert_wanted([RED], cursor, NOW + timedelta(hours=25))
    assert fresh == [RED]
    fresh, cursor = alert_wanted([], cursor, NOW + timedelta(hours=26))
    assert fresh == []
    assert alert_wanted([RED], cursor, NOW + timedelta(hours=26))[0] == [RED]


def test_alerts_say_what_is_wrong_and_where() -> None:
    message = red_check_message([RED])
    assert message["subject"] == "The check streams_are_not_failing is red"
    assert "ops/streams: 2 bad rows" in message["body"]
    failed = failed_run_message("sync", "run1", "Fetching partners failed: 503.")
    assert "sync" in failed["subject"]
    assert failed["body"].startswith("Fetching partners failed: 503.")


def test_what_was_published_says_how_much_waits(synced: Place) -> None:
    waiting = read_waiting(synced.home, NOW)
    assert waiting is not None
    assert (waiting.turn_id, waiting.actions) == ("T000001", 1)
    assert read_waiting(Home(Path("nowhere")), NOW) is None


@pytest.fixture
def no_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a sensor opened the warehouse")

    monkeypatch.setattr(duckdb, "connect", refuse)


@pytest.mark.usefixtures("no_warehouse")
def test_pending_actions_wake_a_dispatch(
    definitions: Definitions, synced: Place, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIPGRID_HOME", str(synced.home.path))
    outdated = sensor(definitions, "outdated_holdings_sensor")
    ticked = outdated(build_sensor_context(instance=instance))
    assert isinstance(ticked, SensorResult)
    assert ticked.run_requests
    again = outdated(build_sensor_context(instance=instance, cursor=ticked.cursor))
    assert isinstance(again, SkipReason)


def test_a_red_check_wakes_an_alert(
    definitions: Definitions, place: Place, instance: DagsterInstance, request: pytest.FixtureRequest
) -> None:
    (place.folder / "source" / "partners" / "torn.ndjson.gz").write_bytes(b"\x1f\x8bno gzip")
    materialize(definitions, place, instance)
    materialize(definitions, place, instance, "ops/streams", now=None)
    request.getfixturevalue("no_warehouse")
    red = sensor(definitions, "red_checks_sensor")
    ticked = red(build_sensor_context(instance=instance, definitions=definitions))
    assert isinstance(ticked, SensorResult)
    (wanted,) = ticked.run_requests or ()
    assert "streams_are_not_failing" in str(wanted.run_config)


def test_a_failed_run_wakes_an_alert_with_its_sentence(
    definitions: Definitions, place: Place, instance: DagsterInstance
) -> None:
    (place.folder / "source" / "partners" / "torn.ndjson.gz").write_bytes(b"\x1f\x8bno gzip")
    result = materialize(definitions, place, instance)
    (logged,) = instance.all_logs(result.run_id, of_type=DagsterEventType.RUN_FAILURE)
    failure = logged.get_dagster_event()
    context = build_run_status_sensor_context(
        sensor_name="failed_runs_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=failure,
    ).for_run_failure()
    wanted = sensor(definitions, "failed_runs_sensor")(context)
    assert isinstance(wanted, RunRequest)
    assert wanted.job_name == "alert"
    assert "partners" in str(wanted.run_config)
