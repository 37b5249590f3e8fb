"""The server of the benchmarks: it hands out what was rendered before, at once or as a slow and limited source does.

Belongs here: the pages, the answers, and the server's own count of what came too fast. Does not belong here: who pulls
from it (``benchmarks.ways``, ``benchmarks.rivals``).

A page is asked for by ``cursor``, by ``page`` (from 1) or by ``offset``; its envelope names the next cursor, the number
of pages and the number of records. ``/counts`` says what a limited server saw.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Final, cast
from urllib.parse import parse_qs, urlsplit

NOW: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
PAGE_RECORDS: Final = 1_000
PATH: Final = "/v1/access_events"
RETRY_AFTER_SECONDS: Final = 1
# So many records are rendered; of more, the same come again under other ids.
RENDERED_RECORDS: Final = 3_000_000
_START: Final = NOW - timedelta(days=270)
_RENDERED_ID, _OTHER_ID = b'"event_id":"E0', b'"event_id":"E%d'


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the server is like; ``refused`` and ``failed``: one in so many requests gets a 429, a 503 (0 = none)."""

    records: int
    page_records: int = PAGE_RECORDS
    latency_seconds: float = 0.0
    requests_per_second: int | None = None
    refused: int = 0
    failed: int = 0


@dataclass
class Counts:
    """What a limited server saw, by its own clock."""

    requests: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    over: int = 0
    within_a_second: deque[float] = field(default_factory=deque)


class _Pages(asyncio.Protocol):
    """One connection to the server."""

    source: Source
    rendered: list[bytes]
    counts: Counts

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request of one packet."""
        address = urlsplit(data.split(b" ", 2)[1].decode())
        if address.path == "/counts":
            seen = {name: value for name, value in vars(self.counts).items() if isinstance(value, int)}
            self._transport.write(_answer(json.dumps(seen).encode()))
            return
        answer = self._refusal() or self._page(parse_qs(address.query))
        if self.source.latency_seconds:
            asyncio.get_running_loop().call_later(self.source.latency_seconds, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _refusal(self) -> bytes | None:
        """Count the request, and refuse it where it came too fast or its turn has come."""
        counts, source = self.counts, self.source
        counts.requests += 1
        if source.requests_per_second is None:
            return None
        now = time.monotonic()
        window = counts.within_a_second
        window.append(now)
        while window[0] <= now - 1:
            window.popleft()
        if len(window) > source.requests_per_second:
            counts.over += 1
            return _answer(b"{}", "429 Too Many Requests", f"retry-after: {RETRY_AFTER_SECONDS}\r\n")
        if source.refused and counts.requests % source.refused == 0:
            counts.refused += 1
            return _answer(b"{}", "429 Too Many Requests", f"retry-after: {RETRY_AFTER_SECONDS}\r\n")
        if source.failed and counts.requests % source.failed == 0:
            counts.failed += 1
            return _answer(b"{}", "503 Service Unavailable")
        counts.answered += 1
        return None

    def _page(self, query: dict[str, list[str]]) -> bytes:
        if "page" in query:
            page = int(query["page"][0]) - 1
        elif "offset" in query:
            page = int(query["offset"][0]) // self.source.page_records
        else:
            page = int(query.get("cursor", ["0"])[0])
        pages = -(-self.source.records // self.source.page_records)
        following = "null" if page + 1 >= pages else f'"{page + 1}"'
        again, place = divmod(page, len(self.rendered))
        items = self.rendered[place]
        if again:
            items = items.replace(_RENDERED_ID, _OTHER_ID % again)
        end = f'],"next":{following},"pages":{pages},"total":{self.source.records}}}'
        return _answer(b'{"items":[%b%b' % (items, end.encode()))


def _answer(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def render(records: int, page_records: int = PAGE_RECORDS) -> list[bytes]:
    """Render the items of all pages, access events of about 280 bytes."""
    dice = random.Random(7)
    return [
        b",".join(_event(number, dice) for number in range(first, min(records, first + page_records)))
        for first in range(0, records, page_records)
    ]


def _event(number: int, dice: random.Random) -> bytes:
    at = (_START + timedelta(seconds=int(dice.random() * 23_000_000))).isoformat()
    return (
        f'{{"event_id":"E{number:09d}","event_type":"{"downloaded" if number % 3 else "opened"}",'
        f'"partner_id":"P{int(dice.random() * 4000)}","user_id":"U{int(dice.random() * 9000)}",'
        f'"asset_id":"A{int(dice.random() * 5000)}","version_no":{1 + int(dice.random() * 5)},"vector":"direct",'
        f'"occurred_at":"{at}","recorded_at":"{at}","client_ip":"192.0.2.17","user_agent":"portal/1.0",'
        f'"bytes":{int(dice.random() * 10_000_000)}}}'
    ).encode()


@contextmanager
def serving(source: Source) -> Iterator[str]:
    """Serve in a process of its own and give the address."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(source, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(source: Source, pipe: Connection) -> None:
    async def run() -> None:
        _Pages.source = source
        _Pages.rendered = render(min(source.records, RENDERED_RECORDS), source.page_records)
        _Pages.counts = Counts()
        server = await asyncio.get_running_loop().create_server(_Pages, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())
