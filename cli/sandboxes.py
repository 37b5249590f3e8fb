"""The sandbox: started, asked and stopped as a child process, and reached over HTTP like a tenant.

Belongs here: the process, its files in the home, its operator's desk. Does not belong here: anything about what it
does inside; besides the tests, this is the only place of ours that knows it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from cli.context import Context
from cli.words import Given
from pipeline.errors import ExitCode, RefusedError, SourceError
from pipeline.home import Home

CLOCK_PATH: Final = "/sandbox/clock"
STARTS_WITHIN_SECONDS: Final = 180.0
STOPS_WITHIN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.1
ANSWERS_WITHIN_SECONDS: Final = 5.0
ADVANCES_WITHIN_SECONDS: Final = 600.0
LOCAL_SECRETS: Final = {"SANDBOX_CLIENT_ID": "vipgrid", "SANDBOX_CLIENT_SECRET": "sandbox-secret"}
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that runs: its addresses, its process, its clock when it was asked."""

    vip: str
    trading_grid: str
    pid: int
    now: str
    seed: int
    scale: int

    @property
    def clock_url(self) -> str:
        """Where its clock is read."""
        return self.vip + CLOCK_PATH


def add_to(app: App) -> None:
    """Add the command."""
    app.command(sandbox)


def sandbox(  # noqa: PLR0913 - what a sandbox is started with
    action: Literal["up", "down", "status", "advance"],
    *,
    seed: int = 7,
    scale: int = 1,
    vip_port: Annotated[int, Parameter(help="0 chooses a free one.")] = 8001,
    trading_grid_port: Annotated[int, Parameter(help="0 chooses a free one.")] = 8002,
    days: float = 0,
    hours: float = 0,
    to: Annotated[str | None, Parameter(help="Advance its clock to this instant.")] = None,
    context: Given,
) -> int:
    """A VIP and a Trading Grid to run against: start them, stop them, or let their weeks go by."""
    if action == "down":
        was_there = stop(context.home)
        context.out.sentences({"is_running": False}, ["Stopped." if was_there else "Nothing runs."])
        return ExitCode.DONE
    if action == "up":
        with context.out.progress("starting the sandbox"):
            start(context.home, seed=seed, scale=scale, ports=(vip_port, trading_grid_port))
    running = running_sandbox(context.home)
    if action == "advance":
        if running is None:
            message = "No sandbox runs in this home: vipgrid sandbox up."
            raise RefusedError(message)
        with context.out.progress("living"):
            advance(running, {"to": to} if to else {"days": days, "hours": hours})
        running = running_sandbox(context.home)
    return _tell(context, running)


def start(home: Home, *, seed: int, scale: int, ports: tuple[int, int]) -> Sandbox:
    """Start it, or find it running, and return when both its servers answer.

    Raises:
        SourceError: it did not come up; where its log is.

    """
    running = running_sandbox(home)
    if running is not None:
        return running
    folder = _folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "sandbox.json").unlink(missing_ok=True)
    log = folder / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "--state", str(folder), "--seed", str(seed), "--scale", str(scale)]
    command += ["--vip-port", str(ports[0]), "--trading-grid-port", str(ports[1])]
    pid = _spawn(command, log)
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG)[0] == 0:
        running = running_sandbox(home)
        if running is not None:
            return running
        time.sleep(POLL_SECONDS)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    last = next(iter(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]), "it said nothing")
    message = f"The sandbox did not come up ({last}); its log is {log}."
    raise SourceError(message, is_transient=False)


def last_ports(home: Home) -> tuple[int, int]:
    """Return the ports that it had last, where both are free again, else 0 and 0 (any): feeds go on at one address."""
    try:
        said = json.loads((_folder(home) / "sandbox.json").read_text(encoding="utf-8"))
        vip, trading_grid = (int(urlsplit(said[system]).port or 0) for system in ("vip", "trading_grid"))
        for port in (vip, trading_grid):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
    except (OSError, ValueError, KeyError):
        return 0, 0
    return vip, trading_grid


def _spawn(command: list[str], log: Path) -> int:
    """Start a process that outlives this one; what it says goes to its log."""
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), write, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def stop(home: Home) -> bool:
    """Stop it and wait until it is gone; say whether there was one. Its state is kept."""
    running = running_sandbox(home)
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOPS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if not _is_running(running.pid):
            return True
        time.sleep(POLL_SECONDS)
    os.kill(running.pid, signal.SIGKILL)
    return True


def running_sandbox(home: Home) -> Sandbox | None:
    """Return the home's sandbox where both its servers answer, and with the network that its file names."""
    try:
        told = json.loads((_folder(home) / "sandbox.json").read_text(encoding="utf-8"))
        found = Sandbox(told["vip"], told["trading_grid"], told["pid"], told["now"], told["seed"], told["scale"])
    except (OSError, ValueError, KeyError):
        return None
    if not _is_running(found.pid):
        return None
    try:
        clock = call(found.clock_url, within_seconds=ANSWERS_WITHIN_SECONDS)
        call(found.trading_grid + CLOCK_PATH, within_seconds=ANSWERS_WITHIN_SECONDS)
    except SourceError:
        return None
    return Sandbox(found.vip, found.trading_grid, found.pid, clock["now"], found.seed, found.scale)


def advance(running: Sandbox, by: dict[str, Any]) -> dict[str, Any]:
    """Let its clock go on; its partners act meanwhile.

    Raises:
        SourceError: it does not answer, or refuses.

    """
    return call(f"{running.vip}{CLOCK_PATH}/advance", body=by, within_seconds=ADVANCES_WITHIN_SECONDS)


def call(url: str, *, body: dict[str, Any] | None = None, within_seconds: float) -> dict[str, Any]:
    """Ask the operator's desk.

    Raises:
        SourceError: it does not answer with a JSON object, or refuses.

    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=within_seconds)
    try:
        text = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request("GET" if body is None else "POST", parts.path, text, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"The sandbox at {parts.netloc} does not answer: {error}."
        raise SourceError(message, is_transient=True) from error
    finally:
        connection.close()
    if response.status != _OK or not isinstance(answer, dict):
        message = f"The sandbox refused {parts.path}: {answer.get('detail', response.status)}"
        raise SourceError(message, is_transient=False)
    return answer


def _folder(home: Home) -> Path:
    return home.path / "sandbox"


def _is_running(pid: int) -> bool:
    """Say whether the process is there and is a sandbox; numbers of processes come again."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return _is_there(pid) if not Path("/proc/self").exists() else False
    return b"sandbox" in command


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _tell(context: Context, running: Sandbox | None) -> int:
    out = context.out
    if running is None:
        out.sentences({"is_running": False}, ["Nothing runs."])
        return ExitCode.DONE
    document = {
        "is_running": True,
        "vip": running.vip,
        "trading_grid": running.trading_grid,
        "pid": running.pid,
        "now": running.now,
        "seed": running.seed,
        "scale": running.scale,
    }
    lines = [
        f"VIP at {running.vip}, Trading Grid at {running.trading_grid}, process {running.pid}.",
        f"It is {running.now} there (seed {running.seed}, scale {running.scale}).",
    ]
    out.sentences(document, lines)
    return ExitCode.DONE
