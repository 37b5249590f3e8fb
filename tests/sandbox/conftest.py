"""A sandbox of its own for these tests, as a real process, and a plain client to speak to it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.streams import STREAMS

ROOT = Path(__file__).resolve().parents[2]
VIP_STREAMS = [name for name, stream in STREAMS.items() if stream.system == "vip"]
TRADING_GRID_STREAMS = [name for name, stream in STREAMS.items() if stream.system == "trading_grid"]


@dataclass
class System:
    """One of the two servers, spoken to with a good token."""

    base_url: str
    http: httpx.Client = field(init=False)  # noqa: TID251 - the test's own hand, beside the product's

    def __post_init__(self) -> None:  # noqa: D105
        self.http = httpx.Client(base_url=self.base_url, timeout=60)  # noqa: TID251 - the same
        self.sign_in()

    def sign_in(self) -> None:
        form = {"grant_type": "client_credentials"}
        answer = self.http.post("/oauth2/token", data=form, auth=("vipgrid", "sandbox-secret"))
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query)

    def page(self, stream: str, **query: Any) -> dict[str, Any]:
        answer = self.get(f"/v1/{stream}", **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pages(self, stream: str, limit: int = 1000, **query: Any) -> Iterator[httpx.Response]:
        answer = self.get(f"/v1/{stream}", limit=limit, **query)
        while True:
            assert answer.status_code == 200, answer.text
            yield answer
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return
            answer = self.get(f"/v1/{stream}", limit=limit, cursor=cursor)

    def all(self, stream: str, limit: int = 1000, **query: Any) -> list[dict[str, Any]]:
        return [item for answer in self.pages(stream, limit, **query) for item in answer.json()["items"]]

    def write(self, method: str, path: str, body: Any, key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.http.request(method, path, json=body, headers=headers)

    def desk(self, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.http.get(f"/sandbox/{path}") if body is None else self.http.post(f"/sandbox/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def close(self) -> None:
        self.http.close()


@dataclass
class Sandbox:
    """Both servers of one process."""

    vip: System
    trading_grid: System
    told: dict[str, Any]
    process: "subprocess.Popen[str]"

    def advance(self, **step: Any) -> str:
        return str(self.vip.desk("clock/advance", step)["now"])

    def whole(self) -> dict[str, list[bytes]]:
        """Give all pages of all streams, byte by byte."""
        found = {stream: [page.content for page in self.vip.pages(stream)] for stream in VIP_STREAMS}
        return found | {
            stream: [page.content for page in self.trading_grid.pages(stream)] for stream in TRADING_GRID_STREAMS
        }


Starter = Callable[..., Sandbox]


@contextmanager
def running(state: Path, *arguments: str) -> Iterator[Sandbox]:
    """Start a sandbox on free ports, and end it like an operator would."""
    command = [sys.executable, "-m", "sandbox", "--vip-port", "0", "--trading-grid-port", "0", "--state", str(state)]
    environment = os.environ | {"PYTHONHASHSEED": "random"}
    with subprocess.Popen(
        [*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        sandbox = Sandbox(System(told["vip"]), System(told["trading_grid"]), told, process)
        try:
            yield sandbox
        finally:
            sandbox.vip.close()
            sandbox.trading_grid.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests that do not mind each other's writes; its clock is only ever moved on."""
    with running(tmp_path_factory.mktemp("sandbox"), "--rate-limit", "100000") as started:
        yield started


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Starter]:
    """Start sandboxes that belong to one test, by the name of their state folder."""
    opened = []

    def start(name: str = "state", *arguments: str) -> Sandbox:
        manager = running(tmp_path / name, *arguments)
        opened.append(manager)
        return manager.__enter__()

    yield start
    for manager in opened:
        manager.__exit__(None, None, None)
