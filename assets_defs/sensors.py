"""Sensors: what wakes a run.

Belongs here: small pure decisions, and ten lines each that feed them. Does not belong here: acting (``jobs``).

A sensor never opens the warehouse: it reads ``published/latest`` and Dagster's own records. It only wakes; that each
effect happens once is the outbox's doing. A run key allows one run ever, so keys hold the time of asking, and a
run that failed is asked for again.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dagster import (
    AssetCheckKey,
    AssetCheckSeverity,
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunConfig,
    RunFailureSensorContext,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_failure_sensor,
    sensor,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from pipeline.home import Home
from pipeline.instants import format_instant, parse_instant
from resources.clock import system_now
from resources.outbox_state import DeadAction, Waiting, read_dead, read_waiting

ASKED_AGAIN_AFTER: Final = timedelta(minutes=5)
WINDOW: Final = timedelta(minutes=10)
REMINDED_AFTER: Final = timedelta(days=1)
EVERY_SECONDS: Final = 30
URGENT_EVERY_SECONDS: Final = 10
ATTENDED_TAG: Final = "vipgrid/attended"
_EVALUATED: Final = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}
DispatchWanted = Callable[[Waiting | None, str | None, datetime], tuple[str, str] | str]
_UNDER_WAY: Final = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
]


@dataclass(frozen=True, slots=True)
class RedCheck:
    """A check that failed: on what, since which run, and how many rows are bad."""

    asset: str
    check: str
    run_id: str
    bad_rows: int | None


def urgent_dispatch_wanted(waiting: Waiting | None, cursor: str | None, now: datetime) -> tuple[str, str] | str:
    """Return (run key, new cursor) where something urgent waits, at once; else the reason why no drain is asked for."""
    if waiting is None:
        return "Nothing was published yet."
    if waiting.urgent == 0:
        return f"Nothing urgent waits to be sent in {waiting.turn_id}.{_held_back(waiting)}"
    asked_digest, _, asked_at = (cursor or "").partition(" ")
    if asked_digest == waiting.urgent_digest and now - parse_instant(asked_at) < ASKED_AGAIN_AFTER:
        return f"{waiting.urgent} urgent actions wait, and a drain was asked for at {asked_at}."
    stamp = format_instant(now)
    return f"urgent {waiting.turn_id} {waiting.urgent_digest} {stamp}", f"{waiting.urgent_digest} {stamp}"


def dispatch_wanted(waiting: Waiting | None, cursor: str | None, now: datetime) -> tuple[str, str] | str:
    """Return (run key, new cursor) where a drain is to be asked for: once in a window; else the reason why not."""
    if waiting is None:
        return "Nothing was published yet."
    if waiting.actions == 0:
        return f"Nothing waits to be sent in {waiting.turn_id}.{_held_back(waiting)}"
    asked_digest, _, asked_at = (cursor or "").partition(" ")
    if asked_at and _window(parse_instant(asked_at)) == _window(now):
        return f"{waiting.actions} actions wait for the next window; a drain was asked for at {asked_at}."
    if asked_digest == waiting.digest and now - parse_instant(asked_at) < ASKED_AGAIN_AFTER:
        return f"{waiting.actions} actions wait, and a drain was asked for at {asked_at}."
    stamp = format_instant(now)
    return f"{waiting.turn_id} {waiting.digest} {stamp}", f"{waiting.digest} {stamp}"


def deaths_to_tell(dead: Sequence[DeadAction], cursor: str | None) -> tuple[Sequence[DeadAction], str]:
    """Return the deaths that nobody was told of, as one batch, and the new cursor."""
    told = frozenset(json.loads(cursor)) if cursor else frozenset()
    fresh = [one for one in dead if one.death not in told]
    return fresh, json.dumps(sorted(one.death for one in dead))


def dead_actions_message(dead: Sequence[DeadAction]) -> dict[str, str]:
    """Write the alert about actions that were given up."""
    counts = Counter((one.target_system, one.operation) for one in dead)
    lines = [f"{count} of {operation} to {target}" for (target, operation), count in sorted(counts.items())]
    subject = f"{len(dead)} actions were given up" if len(dead) > 1 else "An action was given up"
    ways = [
        "Try them again:  vipgrid decide retry --all-dead --reason '...'",
        "Give them up:    vipgrid decide drop KEY --reason '...'",
    ]
    return {"subject": subject, "body": "\n".join([*lines, "", *ways])}


def _window(instant: datetime) -> int:
    return int(instant.timestamp() // WINDOW.total_seconds())


def _held_back(waiting: Waiting) -> str:
    return f" {waiting.held_back} are held back: their data is late, or a person said so." if waiting.held_back else ""


def alert_wanted(reds: Iterable[RedCheck], cursor: str | None, now: datetime) -> tuple[Sequence[RedCheck], str]:
    """Return the red checks that nobody was told of within a day, and the new cursor."""
    told: Mapping[str, str] = json.loads(cursor) if cursor else {}
    fresh, known = [], {}
    for red in reds:
        name = f"{red.asset}: {red.check}"
        told_at = told.get(name)
        if told_at is None or now - parse_instant(told_at) >= REMINDED_AFTER:
            fresh.append(red)
            told_at = format_instant(now)
        known[name] = told_at
    return fresh, json.dumps(known, sort_keys=True)


def red_check_message(reds: Sequence[RedCheck]) -> dict[str, str]:
    """Write the alert about red checks."""
    lines = [
        f"{red.check} on {red.asset}" + ("" if red.bad_rows is None else f": {red.bad_rows} bad rows") for red in reds
    ]
    subject = f"{len(reds)} checks are red" if len(reds) > 1 else f"The check {reds[0].check} is red"
    return {
        "subject": subject,
        "body": "\n".join([*lines, "", "See `vipgrid status`, or the asset's checks in the UI."]),
    }


def failed_run_message(job_name: str, run_id: str, error: str | None) -> dict[str, str]:
    """Write the alert about a failed run."""
    said = (error or "It ended without saying why.").strip()
    return {"subject": f"The run of {job_name} failed", "body": f"{said}\n\nRun {run_id}."}


def build_sensors(checks: Sequence[AssetCheckKey]) -> list[SensorDefinition]:
    """Make the sensors; ``checks`` are those that do not block."""
    return [_urgent_notices(), _outdated_holdings(), _dead_actions(), _red_checks(checks), _failed_runs()]


def _urgent_notices() -> SensorDefinition:
    @sensor(
        name="urgent_notices_sensor",
        job_name="dispatch",
        minimum_interval_seconds=URGENT_EVERY_SECONDS,
        default_status=DefaultSensorStatus.STOPPED,
        description="Asks for a drain of the outbox at once where a withdrawal, or what is about safety, waits.",
    )
    def urgent_notices_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        return _asked(context, urgent_dispatch_wanted)

    return urgent_notices_sensor


def _outdated_holdings() -> SensorDefinition:
    @sensor(
        name="outdated_holdings_sensor",
        job_name="dispatch",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.STOPPED,
        description="Asks for a drain of the outbox, once in ten minutes, while partners wait to be told.",
    )
    def outdated_holdings_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        return _asked(context, dispatch_wanted)

    return outdated_holdings_sensor


def _asked(context: SensorEvaluationContext, wanted_by: DispatchWanted) -> SensorResult | SkipReason:
    now = system_now()
    if context.instance.get_run_records(RunsFilter(job_name="dispatch", statuses=_UNDER_WAY), limit=1):
        return SkipReason("A drain of the outbox is under way.")
    wanted = wanted_by(read_waiting(Home.of(os.environ), now), context.cursor, now)
    if isinstance(wanted, str):
        return SkipReason(wanted)
    return SensorResult(run_requests=[RunRequest(run_key=wanted[0])], cursor=wanted[1])


def _dead_actions() -> SensorDefinition:
    @sensor(
        name="dead_actions_sensor",
        job_name="alert",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells a person, once for all that died together, when actions were given up.",
    )
    def dead_actions_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        fresh, cursor = deaths_to_tell(read_dead(Home.of(os.environ)), context.cursor)
        if not fresh:
            context.update_cursor(cursor)
            return SkipReason("Nothing was given up that nobody was told of.")
        run_key = f"dead {format_instant(system_now())}"
        request = RunRequest(run_key=run_key, run_config=_alert_config(dead_actions_message(fresh)))
        return SensorResult(run_requests=[request], cursor=cursor)

    return dead_actions_sensor


def _red_checks(checks: Sequence[AssetCheckKey]) -> SensorDefinition:
    @sensor(
        name="red_checks_sensor",
        job_name="alert",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells a person when a check of severity error turns red; a red check leaves its run green.",
    )
    def red_checks_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        now = system_now()
        fresh, cursor = alert_wanted(read_red_checks(context.instance, checks), context.cursor, now)
        if not fresh:
            context.update_cursor(cursor)
            return SkipReason("No check of severity error turned red.")
        request = RunRequest(run_key=f"red {format_instant(now)}", run_config=_alert_config(red_check_message(fresh)))
        return SensorResult(run_requests=[request], cursor=cursor)

    return red_checks_sensor


def read_red_checks(instance: DagsterInstance, checks: Iterable[AssetCheckKey]) -> list[RedCheck]:
    """Return the checks of severity error whose last evaluation failed."""
    reds = []
    for key in checks:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=_EVALUATED)
        event = records[0].event.dagster_event if records and records[0].event else None
        evaluation = event.asset_check_evaluation_data if event else None
        if evaluation is None or evaluation.passed:
            continue
        if evaluation.severity is AssetCheckSeverity.ERROR:
            bad_rows = evaluation.metadata.get("bad_rows")
            count = bad_rows.value if bad_rows is not None and isinstance(bad_rows.value, int) else None
            reds.append(RedCheck("/".join(key.asset_key.path), key.name, records[0].run_id, count))
    return reds


def _failed_runs() -> SensorDefinition:
    @run_failure_sensor(
        name="failed_runs_sensor",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells a person when a run failed that nobody was watching at a terminal.",
        request_job=None,
    )
    def failed_runs_sensor(context: RunFailureSensorContext) -> RunRequest | SkipReason:
        run = context.dagster_run
        if run.job_name == "alert":
            return SkipReason("An alert about a failed alert would fail as well.")
        if ATTENDED_TAG in run.tags:
            return SkipReason("Somebody at a terminal was told.")
        message = failed_run_message(run.job_name, run.run_id, first_error(context))
        return RunRequest(job_name="alert", run_key=f"failed {run.run_id}", run_config=_alert_config(message))

    return failed_runs_sensor


def first_error(context: RunFailureSensorContext) -> str | None:
    """Return the sentence of the first step that failed, else of the run."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            return data.user_failure_data.description
        if data.error:
            return data.error.message
    return context.failure_event.message


def _alert_config(message: dict[str, str]) -> RunConfig | dict[str, Any]:
    return {"ops": {"tell_a_person": {"config": message}}}
