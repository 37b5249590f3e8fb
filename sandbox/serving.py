"""The two servers of a sandbox, in one process: founded or found again, served, and told of once ready."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from sandbox import instants
from sandbox.http.access import Limiter, Tokens
from sandbox.http.contract import Contract
from sandbox.http.desk import Desk
from sandbox.http.faults import Faults
from sandbox.http.gateway import Gateway, WriteHandler
from sandbox.http.paging import Pager
from sandbox.http.wire import KnownConnection
from sandbox.http.writes import TRADING_GRID_WRITES, VIP_WRITES
from sandbox.life.handlers import all_handlers
from sandbox.network.founding import found
from sandbox.settings import Settings
from sandbox.streams import System
from sandbox.world import Plan, World


def open_world(settings: Settings) -> World:
    """Open the network in the state folder; found it if there is none."""
    settings.state.mkdir(parents=True, exist_ok=True)
    plan = Plan(settings.seed, settings.scale, settings.start, settings.history_days)
    world = World(settings.state / "sandbox.sqlite", plan, all_handlers())
    if world.is_new:
        world.found(found)
    return world


def gateway(system: System, world: World, settings: Settings, writes: Mapping[str, WriteHandler]) -> Gateway:
    """Make the application of one system."""
    tokens = Tokens(settings.client_id, settings.client_secret)
    faults, seen = Faults(), Counter[str]()
    return Gateway(
        system=system,
        world=world,
        contract=Contract(system),
        pager=Pager(world.store, world.generation),
        tokens=tokens,
        limiter=Limiter(settings.rate_limit, settings.rate_window_seconds),
        faults=faults,
        desk=Desk(world, faults, tokens, seen),
        writes=writes,
        seen=seen,
    )


async def serve(settings: Settings) -> None:
    """Serve both systems until a signal comes."""
    world = open_world(settings)
    doors = [
        (gateway("vip", world, settings, VIP_WRITES), _listen(settings.host, settings.vip_port)),
        (
            gateway("trading_grid", world, settings, TRADING_GRID_WRITES),
            _listen(settings.host, settings.trading_grid_port),
        ),
    ]
    servers = [_Server(app) for app, _ in doors]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, servers)
    tasks = [
        asyncio.create_task(server.serve(sockets=[sock])) for server, (_, sock) in zip(servers, doors, strict=True)
    ]
    await asyncio.gather(*(server.ready.wait() for server in servers))
    _tell(settings.state, world, [sock.getsockname()[1] for _, sock in doors], settings.host)
    await asyncio.gather(*tasks)
    world.store.close()


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs several of them."""

    def __init__(self, app: Gateway) -> None:
        config = uvicorn.Config(
            app,
            http=KnownConnection,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _stop(servers: list[_Server]) -> None:
    for server in servers:
        server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle off; without, every answer waits 40 ms for an acknowledgment.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


def _tell(state: Path, world: World, ports: list[int], host: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    told = json.dumps({
        "vip": f"http://{shown}:{ports[0]}", "trading_grid": f"http://{shown}:{ports[1]}", "pid": os.getpid(),
        "now": instants.utc(world.now), "seed": world.seed, "scale": world.scale,
    })  # fmt: skip
    fresh = state / "sandbox.json.new"
    fresh.write_text(told + "\n", encoding="utf-8")
    fresh.replace(state / "sandbox.json")
    sys.stdout.write(told + "\n")
    sys.stdout.flush()
