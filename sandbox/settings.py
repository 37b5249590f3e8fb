"""How a sandbox is started: what the command line says, and the client's secret from the environment."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import instants

DEFAULT_CLOCK = "2026-03-02T08:00:00Z"
DEFAULT_CLIENT_ID = "vipgrid"
DEFAULT_CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - of a demo, and documented


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a sandbox is started with."""

    host: str
    vip_port: int
    trading_grid_port: int
    seed: int
    scale: int
    state: Path
    start: int
    history_days: int
    rate_limit: int
    rate_window_seconds: float
    client_id: str
    client_secret: str


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A VIP and a Trading Grid to run against.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--vip-port", type=int, default=8001, help="0 chooses a free one")
    parser.add_argument("--trading-grid-port", type=int, default=8002, help="0 chooses a free one")
    parser.add_argument("--seed", type=int, default=7, help="the network is a function of seed, scale and clock")
    parser.add_argument("--scale", type=int, default=1, help="1: about 60 partners and 200 assets")
    parser.add_argument("--state", type=Path, default=Path("var/sandbox"), help="folder; an existing network goes on")
    parser.add_argument("--clock", default=DEFAULT_CLOCK, help="where the clock of a new network stands")
    parser.add_argument("--history-days", type=int, default=273, help="how long a new network has lived by then")
    parser.add_argument("--rate-limit", type=int, default=600, help="requests in a window, for each client")
    parser.add_argument("--rate-window", type=float, default=10.0, help="seconds")
    given = parser.parse_args(arguments)
    try:
        start = instants.parse(given.clock)
    except ValueError as error:
        parser.error(f"--clock: {error}")
    if given.scale < 1:
        parser.error("--scale has to be at least 1")
    return Settings(
        host=given.host,
        vip_port=given.vip_port,
        trading_grid_port=given.trading_grid_port,
        seed=given.seed,
        scale=given.scale,
        state=given.state,
        start=start,
        history_days=given.history_days,
        rate_limit=given.rate_limit,
        rate_window_seconds=given.rate_window,
        client_id=environment.get("SANDBOX_CLIENT_ID", DEFAULT_CLIENT_ID),
        client_secret=environment.get("SANDBOX_CLIENT_SECRET", DEFAULT_CLIENT_SECRET),
    )
