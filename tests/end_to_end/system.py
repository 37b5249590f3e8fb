"""A running sandbox and a terminal, for tests that live through the whole way over real HTTP.

Belongs here: starting, asking and stopping; fingerprints of tables. Does not belong here: expectations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from pipeline.home import Home
from resources.warehouse import open_for_reading

ROOT: Final = Path(__file__).parent.parent.parent
SECRETS: Final = {"E2E_CLIENT_ID": "vipgrid", "E2E_CLIENT_SECRET": "sandbox-secret"}
NEVER_THE_SAME: Final = frozenset({"ops.runs", "ops.models", "ledger.entries", "ledger.read_until"})
TIMEOUT_SECONDS: Final = 400


@dataclass(frozen=True)
class Sandbox:
    """The two servers' addresses."""

    vip: str
    trading_grid: str

    def advance(self, **span: int) -> None:
        answer = httpx.post(f"{self.vip}/sandbox/clock/advance", json=span, timeout=TIMEOUT_SECONDS)
        assert answer.status_code == 200, answer.text

    def received(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.trading_grid}/sandbox/received", timeout=TIMEOUT_SECONDS).json()
        return answer

    def notices(self) -> list[dict[str, Any]]:
        answer: Any = httpx.get(f"{self.trading_grid}/sandbox/notices", timeout=TIMEOUT_SECONDS).json()
        found: list[dict[str, Any]] = answer["notices"]
        return found


@contextmanager
def running_sandbox(state: Path, *, seed: int = 7, history_days: int = 60) -> Iterator[Sandbox]:
    """Start a sandbox of its own on free ports, and stop it by its process."""
    command = [sys.executable, "-m", "sandbox", "--vip-port", "0", "--trading-grid-port", "0"]
    command += ["--state", str(state), "--seed", str(seed), "--history-days", str(history_days)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Sandbox(said["vip"], said["trading_grid"])
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def write_config(folder: Path, vip: str, trading_grid: str, *, clock: str | None = None, more: str = "") -> Path:
    """Write a configuration with both systems over HTTP."""
    config = folder / "vipgrid.yaml"
    secrets = 'secrets: {client_id: "${E2E_CLIENT_ID}", client_secret: "${E2E_CLIENT_SECRET}"}'
    lines = ["connections:"]
    for system, url in (("vip", vip), ("trading_grid", trading_grid)):
        profile = ROOT / "connections" / system / "sandbox.yaml"
        lines.append(f'  {system}: {{kind: rest, profile: "{profile}", base_url: "{url}", {secrets}}}')
    if clock is not None:
        lines.append(f'clock: {{url: "{clock}/sandbox/clock"}}')
    config.write_text("\n".join([*lines, more, ""]), encoding="utf-8")
    return config


@dataclass(frozen=True)
class Terminal:
    """`vipgrid` with a configuration and a home."""

    config: Path
    home: Home
    environment: Mapping[str, str]

    def command(self, *words: str) -> list[str]:
        start = [sys.executable, "-c", "from cli.main import main; main()", *words]
        return [*start, "--config", str(self.config), "--home", str(self.home.path), "--actor", "tester"]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*words),
            cwd=ROOT,
            env=dict(self.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *words: str, codes: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
        done = subprocess.run(
            [*self.command(*words), "--json"],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        is_told = done.returncode in codes and done.stdout.strip() != ""
        assert is_told, f"{words} ended with {done.returncode}: {done.stderr[-2000:]}"
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def tables(self) -> dict[str, str]:
        """Return a fingerprint of every table: equal tables, equal fingerprints."""
        with open_for_reading(self.home) as connection:
            names = connection.sql(
                "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_catalog()"
            ).fetchall()
            return {
                name: str(
                    connection.sql(
                        f"select md5(string_agg(t::varchar, '|' order by t::varchar)) from {name} t"
                    ).fetchall()
                )
                for (name,) in names
                if name not in NEVER_THE_SAME and not name.startswith("changes.")
            }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with open_for_reading(self.home) as connection:
            return connection.sql(query).fetchall()


def terminal_for(folder: Path, config: Path, name: str = "home", **environment: str) -> Terminal:
    """A terminal with a home of its own."""
    return Terminal(config, Home(folder / name), {**os.environ, **SECRETS, **environment})
