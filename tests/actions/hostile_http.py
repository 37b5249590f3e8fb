"""A hostile target over real HTTP: connections that break, answers that come too late or never, a server that is gone.

Belongs here: the server around ``tests.actions.hostile``, and its profile. Does not belong here: what a test asserts.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.actions.hostile import Hostile

DEADLINE_SECONDS = 0.3
RATE = 100
PROFILE = f"""
auth: {{kind: none}}
limits: {{requests_per_second: 1000, deadline: {int(DEADLINE_SECONDS * 1000)}ms, attempts: 1}}
defaults: {{path: "/v1/{{stream}}", records: items, paging: {{kind: single_page}}}}
writes:
  post_notice:
    method: POST
    path: /v1/notices
    key_field: external_key
    id: notice_id
    lookup: {{path: /v1/notices, param: external_key, key: external_key, id: notice_id}}
"""
_ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Address:
    """Where it listens; ``stop`` lets it be gone for a while."""

    port: int


class _Handler(BaseHTTPRequestHandler):
    hostile: Hostile
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.hostile.write(json.loads(body)["external_key"])
        key = json.loads(body)["external_key"]
        assert self.headers["Idempotency-Key"] == key
        match (reply.fault or "").partition("_")[0]:
            case "timeout":
                time.sleep(DEADLINE_SECONDS * 1.5)
                self.close_connection = True
            case "reset":
                self._abort()
            case "":
                headers = {"Idempotency-Replayed": "true"} if reply.is_replay else {}
                self._answer(201, {"notice_id": f"N-{key}"}, headers)
            case status:
                self._answer(int(status), {}, {"Retry-After": "1"} if status in {"429", "503"} else {})

    def do_GET(self) -> None:
        keys = parse_qs(urlsplit(self.path).query).get("external_key", [])
        found = self.hostile.look_up(keys)
        if found is None:
            self._answer(503, {}, {})
            return
        self._answer(200, {"items": [{"external_key": key, "notice_id": name} for key, name in found.items()]}, {})

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _abort(self) -> None:
        """Send a reset instead of an answer."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.close_connection = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that are gone."""


class HostileHttp:
    """The server; it can be taken away, and put back at the same address."""

    def __init__(self, hostile: Hostile) -> None:
        self._handler = type("Handler", (_Handler,), {"hostile": hostile})
        self.port = 0
        self._server: _Server | None = None

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), self._handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(hostile: Hostile) -> Iterator[HostileHttp]:
    """Serve until the block ends."""
    server = HostileHttp(hostile)
    server.start()
    try:
        yield server
    finally:
        server.stop()
