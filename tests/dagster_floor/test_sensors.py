"""Sensors: small pure decisions, and that they tick without ever opening the warehouse."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
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
    dead_actions_message,
    deaths_to_tell,
    dispatch_wanted,
    failed_run_message,
    red_check_message,
    urgent_dispatch_wanted,
)
from pipeline.home import Home
from pipeline.instants import parse_instant
from resources.outbox_state import DeadAction, Waiting, read_dead, read_waiting
from tests.dagster_floor.network import Place, materialize

NOW: Final = parse_instant("2026-03-02T08:00:00Z")
WAITING: Final = Waiting("T000001", 3, "abc")
RED: Final = RedCheck("ops/streams", "streams_are_not_failing", "run1", 2)


def sensor(definitions: Definitions, name: str) -> SensorDefinition:
    return definitions.resolve_sensor_def(name)


def test_nothing_is_asked_for_where_nothing_waits() -> None:
    assert dispatch_wanted(None, None, NOW) == "Nothing was published yet."
    assert "T000001" in dispatch_wanted(Waiting("T000001", 0, "abc"), None, NOW)


def test_a_drain_is_asked_for_once_in_a_window_and_again_in_the_next_with_another_key() -> None:
    asked = dispatch_wanted(WAITING, None, NOW)
    assert isinstance(asked, tuple)
    key, cursor = asked
    more = Waiting("T000002", 1, "def")
    for waiting in (WAITING, more):
        assert isinstance(dispatch_wanted(waiting, cursor, NOW + timedelta(minutes=9)), str)
        again = dispatch_wanted(waiting, cursor, NOW + timedelta(minutes=10))
        assert isinstance(again, tuple)
        assert again[0] != key


def test_the_same_actions_are_not_asked_for_again_just_because_a_window_ends() -> None:
    asked = dispatch_wanted(WAITING, None, NOW + timedelta(minutes=8))
    assert isinstance(asked, tuple)

    assert isinstance(dispatch_wanted(WAITING, asked[1], NOW + timedelta(minutes=11)), str)
    assert isinstance(dispatch_wanted(Waiting("T000002", 1, "def"), asked[1], NOW + timedelta(minutes=11)), tuple)


def test_what_is_urgent_wakes_a_drain_at_once_whatever_the_window() -> None:
    urgent = Waiting("T000001", 3, "abc", urgent=1, urgent_digest="u1")
    asked = urgent_dispatch_wanted(urgent, None, NOW)
    assert isinstance(asked, tuple)
    assert isinstance(urgent_dispatch_wanted(urgent, asked[1], NOW + timedelta(minutes=1)), str)
    more = replace(urgent, urgent=2, urgent_digest="u2")
    assert isinstance(urgent_dispatch_wanted(more, asked[1], NOW + timedelta(seconds=10)), tuple)
    assert isinstance(urgent_dispatch_wanted(urgent, asked[1], NOW + timedelta(minutes=6)), tuple)


def test_what_is_not_urgent_wakes_no_urgent_drain() -> None:
    for waiting in (None, WAITING):
        assert isinstance(urgent_dispatch_wanted(waiting, None, NOW), str)


def test_what_is_held_back_wakes_nothing_and_is_said() -> None:
    late = Waiting("T000001", 0, "abc", held_back=7)

    for wanted in (dispatch_wanted(late, None, NOW), urgent_dispatch_wanted(late, None, NOW)):
        assert isinstance(wanted, str)
        assert "7 are held back: their data is late" in wanted


def test_deaths_are_told_once_together_and_a_second_death_is_another_one() -> None:
    first = [DeadAction("d1", "trading_grid", "post_notice"), DeadAction("d2", "trading_grid", "post_notice")]
    fresh, cursor = deaths_to_tell(first, None)
    assert fresh == first
    assert deaths_to_tell(first, cursor)[0] == []

    fresh, cursor = deaths_to_tell([], cursor)
    assert fresh == []
    again = [DeadAction("d3", "vip", "open_review")]
    assert deaths_to_tell([*again, *first[:1]], deaths_to_tell(first[:1], None)[1])[0] == again


def test_the_alert_about_deaths_says_what_where_and_what_to_do() -> None:
    dead = [DeadAction(f"d{n}", "trading_grid", "post_notice") for n in range(2)] + [
        DeadAction("d", "vip", "open_review")
    ]
    message = dead_actions_message(dead)

    assert message["subject"] == "3 actions were given up"
    assert "2 of post_notice to trading_grid\n1 of open_review to vip" in message["body"]
    assert "vipgrid decide retry --all-dead" in message["body"]


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
    assert (waiting.turn_id, waiting.urgent, waiting.held_back) == ("T000001", 0, 0)
    assert waiting.actions > 0
    assert read_waiting(Home(Path("nowhere")), NOW) is None
    assert read_dead(synced.home) == read_dead(Home(Path("nowhere"))) == []


def test_what_waits_is_told_by_urgency_and_what_is_held_back_and_dead_apart(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = home.published / "latest"
    (folder / "sync").mkdir(parents=True)
    (folder / "manifest.json").write_text('{"turn": "T000001"}', encoding="utf-8")
    usual: dict[str, Any] = {
        "target_system": "trading_grid",
        "operation": "post_notice",
        "kind": "publish",
        "is_urgent": False,
    }
    usual |= {"state": "pending", "attempts": 0, "retry_at": None}
    rows: list[dict[str, Any]] = [
        {"action_key": "routine"},
        {"action_key": "removal", "kind": "withdrawal"},
        {"action_key": "safety", "is_urgent": True},
        {"action_key": "late", "is_urgent": True},
        {"action_key": "later", "state": "failed", "retry_at": NOW + timedelta(hours=1)},
        {"action_key": "sent", "state": "sent"},
        {"action_key": "dead", "state": "dead", "attempts": 12},
    ]
    pq.write_table(pa.Table.from_pylist([usual | row for row in rows]), folder / "sync" / "actions.parquet")
    rechecks = [{"action_key": "late", "verdict": "wait"}, {"action_key": "routine", "verdict": "suppress"}]
    pq.write_table(pa.Table.from_pylist(rechecks), folder / "sync" / "action_rechecks.parquet")

    waiting = read_waiting(home, NOW)
    assert waiting is not None
    assert (waiting.actions, waiting.urgent, waiting.held_back) == (3, 2, 1)
    assert waiting.digest != waiting.urgent_digest
    (dead,) = read_dead(home)
    assert (dead.target_system, dead.operation) == ("trading_grid", "post_notice")


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


@pytest.mark.usefixtures("no_warehouse")
def test_the_other_sensors_of_the_outbox_tick_too(
    definitions: Definitions, synced: Place, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIPGRID_HOME", str(synced.home.path))
    for name in ("urgent_notices_sensor", "dead_actions_sensor"):
        assert isinstance(sensor(definitions, name)(build_sensor_context(instance=instance)), SkipReason)


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
