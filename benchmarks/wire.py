"""Pulling over HTTP: from the first request to typed, deduplicated rows in core, against the bare way.

Belongs here: the pre-rendered server, our way, the bare limit. Does not belong here: files
(``benchmarks.__main__``), turns over what is there already (``benchmarks.large``).

    python -m benchmarks.wire --records 300000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import duckdb
import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from pipeline.settings import RestConnection, Settings
from tests.tables import open_tables

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
PAGE_RECORDS: Final = 1_000
TARGETS: Final = ("core.access_events", "ops.pages")
PROFILE: Final = """\
auth: {kind: none}
limits: {requests_per_second: 100000}
defaults:
  path: /v1/{stream}
  records: items
  paging: {kind: cursor, param: cursor, cursor: next}
"""


class Pages(asyncio.Protocol):
    """A server that only hands out what was rendered before."""

    rendered: tuple[bytes, ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer a request of one packet."""
        target = data.split(b" ", 2)[1].decode()
        page = int(parse_qs(urlsplit(target).query).get("cursor", ["0"])[0])
        self._transport.write(self.rendered[page])  # type: ignore[attr-defined]


def render(records: int) -> tuple[bytes, ...]:
    """Render all pages of access events, about 280 bytes a record."""
    dice = random.Random(7)
    start = NOW - timedelta(days=270)
    pages = []
    count = -(-records // PAGE_RECORDS)
    for page in range(count):
        first = page * PAGE_RECORDS
        items = [event(number, dice, start) for number in range(first, min(records, first + PAGE_RECORDS))]
        body = json.dumps(
            {"items": items, "next": str(page + 1) if page + 1 < count else None}, separators=(",", ":")
        ).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        pages.append(head.encode() + body)
    return tuple(pages)


def event(number: int, dice: random.Random, start: datetime) -> dict[str, Any]:
    """One access event."""
    at = (start + timedelta(seconds=dice.randrange(23_000_000))).isoformat()
    return {
        "event_id": f"E{number:09d}", "event_type": "downloaded" if number % 3 else "opened",
        "partner_id": f"P{dice.randrange(4000)}", "user_id": f"U{dice.randrange(9000)}",
        "asset_id": f"A{dice.randrange(5000)}", "version_no": dice.randint(1, 5), "vector": "direct",
        "occurred_at": at, "recorded_at": at, "client_ip": "192.0.2.17", "user_agent": "portal/1.0",
        "bytes": dice.randrange(10_000_000),
    }  # fmt: skip


def serve(records: int, pipe: Connection) -> None:
    """Serve until the process is ended; the port goes through the pipe."""

    async def run() -> None:
        Pages.rendered = render(records)
        server = await asyncio.get_running_loop().create_server(Pages, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def ours(url: str, folder: Path, seconds: dict[str, float]) -> int:
    """Pull, land, and compute up to core."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    connection = RestConnection(kind="rest", profile=profile, base_url=url, streams=("access_events",))
    settings = Settings(connections={"vip": connection}, folder=folder)
    with open_tables(folder, settings) as tables:
        turn = timed("pull", seconds, lambda: tables.pull(NOW))
        timed("compute", seconds, lambda: tables.compute(turn, NOW, TARGETS))
        return int(tables.rows("select count(*) from core.access_events")[0][0])


def bare(url: str, folder: Path) -> int:
    """The least that brings the same bytes into one typed table: no hash, no check, no deduplication."""
    folder.mkdir(parents=True, exist_ok=True)
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    items_of = msgspec.json.Decoder(list[msgspec.Raw])
    lines = folder / "bare.ndjson"
    cursor: str | None = "0"
    with httpx.Client(base_url=url) as client, lines.open("wb") as file:  # noqa: TID251 - the bare way
        while cursor is not None:
            page = decoder.decode(client.get("/v1/access_events", params={"cursor": cursor}).content)
            file.write(b"\n".join(map(bytes, items_of.decode(page["items"]))) + b"\n")
            cursor = msgspec.json.decode(page["next"])
    with duckdb.connect(str(folder / "bare.duckdb")) as connection:  # noqa: TID251 - the bare way
        connection.execute(
            f"create table events as select * from read_json('{lines}', format = 'newline_delimited', columns = {{"
            "event_id: 'varchar', event_type: 'varchar', partner_id: 'varchar', user_id: 'varchar',"
            " asset_id: 'varchar', version_no: 'bigint', vector: 'varchar', occurred_at: 'timestamptz',"
            " recorded_at: 'timestamptz', client_ip: 'varchar', user_agent: 'varchar', bytes: 'bigint'})"
        )
        return int(connection.sql("select count(*) from events").fetchall()[0][0])


def timed(what: str, seconds: dict[str, float], work: Callable[[], Any]) -> Any:
    """Note how long it took."""
    started = time.perf_counter()
    result = work()
    seconds[what] = time.perf_counter() - started
    return result


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="benchmarks.wire")
    parser.add_argument("--records", type=int, default=300_000)
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(given.records, there), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}"
    seconds: dict[str, float] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            parts: dict[str, float] = {}
            counts = {
                timed("vipgrid", seconds, lambda: ours(url, Path(folder) / "ours", parts)),
                timed("bare", seconds, lambda: bare(url, Path(folder) / "bare")),
            }
            if counts != {given.records}:
                message = f"Rows are missing: {counts}, {given.records} were served."
                raise SystemExit(message)
    finally:
        server.terminate()
    shown = Table("what", "seconds", "records/s", "of bare", title=f"{given.records:,} records over HTTP")
    for what, spent in {**seconds, **{f"  of vipgrid: {name}": part for name, part in parts.items()}}.items():
        shown.add_row(what, f"{spent:.2f}", f"{given.records / spent:,.0f}", f"{seconds['bare'] / spent:.2f}")
    shown.caption = f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB"
    Console().print(shown)


if __name__ == "__main__":
    main()
