"""The fault server: a real HTTP server on loopback that knows the truth and answers as a test's faults want it.

Belongs here: one request and its good answer, the socket, when a fault strikes. Does not belong here: how streams are
paged (``tests.faults.shapes``), the faults themselves (``tests.faults.http``, ``paging``, ``data``).
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def place(self) -> str:
        """What a request asks for, to know it when it comes again."""
        return f"{self.path} {sorted(self.query.items())} {self.body.decode('latin-1')}"


@dataclass(frozen=True)
class Answer:
    """A good answer, which a fault may spoil."""

    body: bytes = b""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"

    def with_headers(self, **headers: str) -> Answer:
        """Return the same with more headers; ``Retry_After`` is ``Retry-After``."""
        more = {name.replace("_", "-"): text for name, text in headers.items()}
        return replace(self, headers={**self.headers, **more})

    def head(self, *, length: int | None = None) -> bytes:
        """Return what stands before the body; ``length`` may lie, below 0 it is not said."""
        said = len(self.body) if length is None else length
        lines = [f"HTTP/1.1 {self.status}", "Connection: close", f"Content-Type: {self.kind}"]
        lines += [f"Content-Length: {said}"] if said >= 0 else []
        lines += [f"{name}: {text}" for name, text in self.headers.items()]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def bytes(self) -> bytes:
        """Return all of it."""
        return self.head() + self.body


def page(value: Any, **headers: str) -> Answer:
    """Return a page of JSON."""
    return Answer(json.dumps(value).encode()).with_headers(**headers)


Send = Callable[[socket.socket, Answer], None]
Answering = Callable[[Asked], Answer]
Striking = Callable[[Asked], Send | None]


def whole(connection: socket.socket, answer: Answer) -> None:
    """Send an answer as it is."""
    connection.sendall(answer.bytes())


def nowhere(_asked: Asked) -> None:
    """Strike never."""


class Server:
    """Answers one request per connection: from the truth, through the fault that strikes."""

    def __init__(self, answering: Answering, striking: Striking = nowhere, host: str = "127.0.0.1") -> None:
        self.answering = answering
        self.striking = striking
        self.asked: list[Asked] = []
        self.connections = 0
        self._host = host

    def __enter__(self) -> Self:
        """Listen."""
        self._socket = socket.create_server((self._host, 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://{self._host}:{self.port}"
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            asked = _read(connection)
            if asked is None:
                return
            with self._lock:
                self.asked.append(asked)
                send = self.striking(asked)
                answer = self.answering(asked)
            (send or whole)(connection, answer)


def _read(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(65536)
        if not block:
            return None
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, target, _ = first.split(" ", 2)
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
