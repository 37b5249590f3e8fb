"""The run launcher: Dagster's own, which can also tell whether a run's process is still there.

Belongs here: the answer to run monitoring's question. Does not belong here: the signs themselves (``resources.alive``).

Dagster's default launcher cannot answer after a restart, so a run that was killed together with its code
server stays "started" for ever, and holds the only place in the queue. With this one, run monitoring reports it as
failed.
"""

from __future__ import annotations

import os
from typing import Final

from dagster import DagsterRun, DefaultRunLauncher
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

from pipeline.home import Home
from resources.alive import is_alive
from resources.clock import system_now

_FIRST_SIGN_WITHIN_SECONDS: Final = 20


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches like Dagster's default, and looks for a run's sign of life."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's process is there."""
        sign = is_alive(Home.of(os.environ), run.run_id)
        if sign is None and self._is_young(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if sign:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process is gone")

    def _is_young(self, run: DagsterRun) -> bool:
        record = self._instance.get_run_record_by_id(run.run_id)
        if record is None or record.start_time is None:
            return True
        return system_now().timestamp() - record.start_time < _FIRST_SIGN_WITHIN_SECONDS
