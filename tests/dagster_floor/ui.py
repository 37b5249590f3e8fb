"""The real thing: webserver, daemon, code server and run workers as processes, spoken to over GraphQL.

Belongs here: starting, asking, killing. Does not belong here: expectations.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from assets_defs.launch import ui_command, ui_environment
from tests.dagster_floor.network import Place

ROOT: Final = Path(__file__).parent.parent.parent
FINISHED: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
T = TypeVar("T")

_LAUNCH: Final = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_STATUS: Final = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status startTime endTime } } }"


@dataclass
class Ui:
    """One `dagster dev` and everything that it started."""

    process: subprocess.Popen[bytes]
    port: int

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query, "variables": variables or {}}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
            answer = json.loads(response.read())
        assert "errors" not in answer, answer
        return answer["data"]

    def press_materialize(self, *keys: str) -> str:
        """Launch a run of the assets, as the button does, and return its id."""
        selector: dict[str, Any] = {
            "repositoryName": "__repository__",
            "repositoryLocationName": "vipgrid",
            "pipelineName": "__ASSET_JOB" if keys else "sync",
        }
        if keys:
            selector |= {"assetSelection": [{"path": key.split("/")} for key in keys], "assetCheckSelection": []}
        params = {"selector": selector, "mode": "default", "runConfigData": {}}
        launched = self.ask(_LAUNCH, {"params": params})["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        return str(self.ask(_STATUS, {"id": run_id})["runOrError"]["status"])

    def times(self, run_id: str) -> tuple[float, float]:
        run = self.ask(_STATUS, {"id": run_id})["runOrError"]
        return float(run["startTime"]), float(run["endTime"])

    def wait_finished(self, run_id: str, seconds: float) -> str:
        return until(lambda: self.status(run_id) if self.status(run_id) in FINISHED else None, seconds)

    def kill(self) -> None:
        """Everything at once, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=20)
        with suppress(ProcessLookupError):
            self.kill()


def start_ui(place: Place, log: Path) -> Ui:
    """Start `dagster dev` as `vipgrid ui` does, and wait until it answers and knows the definitions."""
    port = _free_port()
    environment = {**os.environ, **ui_environment(place.home, place.config), "PYTHONUNBUFFERED": "1"}
    command = [str(Path(sys.executable).with_name("dagster")), *ui_command(port)[1:]]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    ui = Ui(process, port)
    until(lambda: _answers(ui), 300)
    return ui


def until(ask: Callable[[], T | None], seconds: float) -> T:
    """Ask until there is an answer.

    Raises:
        AssertionError: there was none in time.

    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.2)
    message = f"nothing within {seconds} s"
    raise AssertionError(message)


def _answers(ui: Ui) -> bool:
    try:
        found = ui.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return bool(found["repositoriesOrError"].get("nodes"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
