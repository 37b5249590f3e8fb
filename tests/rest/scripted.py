"""A loopback server that answers as a test says, byte for byte, however wrong that is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Step = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """Plays one step per request, the last one for ever; each connection bears one request."""

    steps: Sequence[Step]
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Listen."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._is_over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            asked = _read_request(connection)
            if asked is None:
                return
            with self._lock:
                step = self.steps[min(len(self.asked), len(self.steps) - 1)]
                self.asked.append(asked)
            step(connection)


def answer(body: bytes = b"{}", status: str = "200 OK", kind: str | None = "application/json", **headers: str) -> Step:
    """Answer properly; ``Retry_After="3"`` makes a header."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Step:
    """Send these bytes, then hang up."""
    return lambda connection: connection.sendall(data)


def drip(data: bytes, seconds: float) -> Step:
    """Send a byte at a time."""

    def step(connection: socket.socket) -> None:
        wait = threading.Event()
        for byte in data:
            connection.sendall(bytes([byte]))
            wait.wait(seconds)

    return step


def hang_up(connection: socket.socket) -> None:
    """Send nothing at all."""
    connection.shutdown(socket.SHUT_RDWR)


def _read_request(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return None
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Asked(first, headers, body)
