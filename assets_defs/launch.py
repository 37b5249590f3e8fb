"""The terminal's way into Dagster: a turn as a run of the real instance, in this process, without its noise.

Belongs here: running `sync` and `dispatch` for the command line, so that the UI shows every turn, whoever started
it. Does not belong here: what the terminal prints (``cli``), what the steps do.

    from assets_defs.definitions import build_defs
    from assets_defs.launch import Request, run_sync

    launched = run_sync(build_defs(), Request(config=…, home=…, actor="ada", now=None))
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dagster import DagsterInstance, DagsterRunStatus, Definitions, ExecuteInProcessResult, RunsFilter

from pipeline.actions.dispatch import DispatchOutcome
from pipeline.home import Home
from pipeline.instants import format_instant
from resources.alive import is_alive, release_sign
from resources.session import LISTENER

CHECKOUT: Final = Path(__file__).parent.parent
ATTENDED_TAG: Final = "vipgrid/attended"
HOME_VARIABLE: Final = "VIPGRID_HOME"
CONFIG_VARIABLE: Final = "VIPGRID_CONFIG"
SETTINGS: Final = "dagster.yaml"
LOOPBACK: Final = "127.0.0.1"
UI_PORT: Final = 3000
_QUIET: Final = {"console": {"config": {"log_level": "CRITICAL"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the terminal asks for; ``on_step`` hears the name of each step as it begins (``landing.vip``, a table …)."""

    config: Path
    home: Home
    actor: str
    now: datetime | None = None
    on_step: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """What became of a run: the failed step and its sentence, where one failed; what a dispatch did."""

    run_id: str
    is_success: bool
    failed_step: str | None = None
    error: str | None = None
    dispatched: DispatchOutcome | None = None


def run_sync(definitions: Definitions, request: Request, *, dispatch: bool = False) -> Launched:
    """Run one full turn, and then, where asked, drain the outbox; nothing is printed, nothing retried for minutes."""
    with _instance(request) as instance:
        launched = _run(definitions, instance, "sync", request)
        return _run(definitions, instance, "dispatch", request) if dispatch and launched.is_success else launched


def run_dispatch(definitions: Definitions, request: Request) -> Launched:
    """Drain the outbox."""
    with _instance(request) as instance:
        return _run(definitions, instance, "dispatch", request)


def prepare_dagster_home(home: Home) -> Path:
    """Lay the checkout's ``dagster.yaml`` into the state folder, and return what ``DAGSTER_HOME`` is to be."""
    home.make()
    folder = home.dagster.resolve()
    wanted, there = (CHECKOUT / SETTINGS).read_bytes(), folder / SETTINGS
    if not there.exists() or there.read_bytes() != wanted:
        fresh = folder / f".{SETTINGS}.{os.getpid()}"
        fresh.write_bytes(wanted)
        fresh.replace(there)
    # The UI greets whoever opens it first by asking for an address; this says that it has done so.
    greeted = folder / ".nux" / "nux.yaml"
    greeted.parent.mkdir(mode=0o700, exist_ok=True)
    greeted.write_text("seen: 1\n", encoding="utf-8")
    return folder


def ui_environment(home: Home, config: Path) -> dict[str, str]:
    """Return what the environment of ``dagster dev`` needs besides the caller's own."""
    return {
        "DAGSTER_HOME": str(prepare_dagster_home(home)),
        HOME_VARIABLE: str(home.path.resolve()),
        CONFIG_VARIABLE: str(config.resolve()),
        # What the command of our choice should be called by now is no news to whoever looks at the UI.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }


def ui_command(port: int = UI_PORT) -> list[str]:
    """Return the command of the UI and its daemon, on this machine's loopback only; to be run in the checkout."""
    return ["dagster", "dev", "-w", str(CHECKOUT / "workspace.yaml"), "-h", LOOPBACK, "-p", str(port)]


def report_lost_runs(instance: DagsterInstance, home: Home) -> list[str]:
    """Report those started runs as failed whose process is gone, and return their ids.

    Where the daemon runs, run monitoring does it within seconds; at a terminal nobody else would.
    """
    started = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]))
    lost = [run for run in started if is_alive(home, run.run_id) is False]
    for run in lost:
        instance.report_run_failed(run, "The run's process is gone; it was killed, or its machine went down.")
    return [run.run_id for run in lost]


def _run(definitions: Definitions, instance: DagsterInstance, job_name: str, request: Request) -> Launched:
    workspace = {
        "config_path": str(request.config),
        "home_path": str(request.home.path),
        "actor": request.actor,
        "is_attended": True,
        **({"now": format_instant(request.now)} if request.now else {}),
    }
    run_id = str(uuid.uuid4())
    token = LISTENER.set(request.on_step)
    try:
        result = definitions.resolve_job_def(job_name).execute_in_process(
            instance=instance,
            run_config={"loggers": _QUIET, "resources": {"workspace": {"config": workspace}}},
            tags={ATTENDED_TAG: request.actor},
            raise_on_error=False,
            run_id=run_id,
        )
    finally:
        release_sign(run_id)
        LISTENER.reset(token)
    return _launched(job_name, result)


def _launched(job_name: str, result: ExecuteInProcessResult) -> Launched:
    if result.success:
        outcome: Any = result.output_for_node("drain_outbox") if job_name == "dispatch" else None
        return Launched(run_id=result.run_id, is_success=True, dispatched=outcome)
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            said = data.user_failure_data.description if data.user_failure_data else None
            error = said or (data.error.message.strip() if data.error else None)
            return Launched(run_id=result.run_id, is_success=False, failed_step=event.step_key, error=error)
    last = result.all_events[-1].message if result.all_events else None
    return Launched(run_id=result.run_id, is_success=False, error=last)


@contextmanager
def _instance(request: Request) -> Iterator[DagsterInstance]:
    """Open the instance that the UI shows."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(request.home.path.resolve())
    try:
        with DagsterInstance.from_config(str(prepare_dagster_home(request.home))) as instance:
            report_lost_runs(instance, request.home)
            yield instance
    finally:
        if before is None:
            del os.environ[HOME_VARIABLE]
        else:
            os.environ[HOME_VARIABLE] = before
