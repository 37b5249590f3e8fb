"""A second server for both contracts, to hold the sandbox's peculiarities out of the client.

Belongs here: what the two OpenAPI documents promise, in the simplest way, on the standard library, with
records made from their schemas. It shares no code with ``sandbox/`` and none with ours. It is as
unfriendly as the contracts allow: three records a page whatever ``limit`` says, cursors of its own
form, tokens that end in the middle of a feed, a 429 and a 503 now and then.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import yaml

CLIENT_ID: Final = "independent"
CLIENT_SECRET: Final = "s3cret-of-the-independent-server"
WATERMARK: Final = "2026-03-02T12:00:00+01:00"
RECORDS_OF_A_STREAM: Final = 8
_PAGE_SIZE: Final = 3
_REQUESTS_OF_A_TOKEN: Final = 5
_TOO_MANY_EVERY: Final = 11
_UNAVAILABLE_EVERY: Final = 13


class Contract:
    """One OpenAPI document: its streams and their schemas."""

    def __init__(self, path: Path) -> None:
        self.document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.streams = {
            route.removeprefix("/v1/"): self._item_schema(methods["get"])
            for route, methods in self.document["paths"].items()
            if route.startswith("/v1/") and "{" not in route and "get" in methods
        }

    def record(self, stream: str, number: int) -> dict[str, Any]:
        """Return one record that keeps to the stream's schema."""
        made = self._value(self.streams[stream], stream, number)
        assert isinstance(made, dict)
        return made

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = self.document["components"]["schemas"][name]
        return schema

    def _item_schema(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        page = operation["responses"]["200"]["content"]["application/json"]["schema"]
        item: dict[str, Any] = page["allOf"][1]["properties"]["items"]["items"]
        return item

    def _value(self, schema: dict[str, Any], name: str, number: int) -> Any:  # noqa: PLR0911 - one for each type
        schema = self.resolved(schema)
        kind = schema.get("type", "string")
        if "enum" in schema:
            return schema["enum"][number % len(schema["enum"])]
        if isinstance(kind, list):
            kind = "null" if number % 3 == 0 else kind[0]
        match kind:
            case "null":
                return None
            case "integer" | "number":
                return schema.get("minimum", 0) + number
            case "boolean":
                return number % 2 == 0
            case "array":
                return [self._value(schema["items"], name, number)] if schema.get("minItems") else []
            case "object":
                return {key: self._value(part, key, number) for key, part in schema.get("properties", {}).items()}
        return _text(schema, name, number)


def _text(schema: Mapping[str, Any], name: str, number: int) -> str:
    if schema.get("format") == "date-time":
        return f"2026-02-{1 + number:02d}T08:00:00+01:00"
    if schema.get("format") == "email":
        return f"user{number}@example.org"
    if name.endswith("_local"):
        return f"2026-02-{1 + number:02d}T00:00:00"
    if name == "gln":
        return f"{number:013d}"
    if "sha256" in name or "digest" in name:
        return f"{number:064x}"
    return str(schema["examples"][0]) if "examples" in schema else f"{name}-{number}"


class System:
    """One system's state: its records, tokens and what was written."""

    def __init__(self, contract: Contract, *, is_friendly: bool) -> None:
        self.contract = contract
        self.is_friendly = is_friendly
        self.lock = threading.Lock()
        self.records = {s: [contract.record(s, n) for n in range(RECORDS_OF_A_STREAM)] for s in contract.streams}
        self.requests = 0
        self.tokens: dict[str, int] = {}
        self.asked: list[str] = []
        self.answers: dict[str, tuple[str, dict[str, Any]]] = {}

    def new_token(self) -> str:
        token = f"token-number-{len(self.tokens):010d}"
        self.tokens[token] = _REQUESTS_OF_A_TOKEN
        return token

    def refusal(self, authorization: str) -> tuple[int, dict[str, str]] | None:
        """Return why a request is refused before it is looked at."""
        self.requests += 1
        if not self.is_friendly and self.requests % _TOO_MANY_EVERY == 0:
            return 429, {"Retry-After": "1"}
        if not self.is_friendly and self.requests % _UNAVAILABLE_EVERY == 0:
            return 503, {}
        token = authorization.removeprefix("Bearer ")
        if self.tokens.get(token, 0) <= 0:
            return 401, {"WWW-Authenticate": "Bearer"}
        if not self.is_friendly:
            self.tokens[token] -= 1
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16
    system: System

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's signature
        """Say nothing."""

    def do_GET(self) -> None:
        with self.system.lock:
            self._read()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with self.system.lock:
            if self.path == "/oauth2/token":
                self._issue_token(body)
            else:
                self._write(json.loads(body))

    def _issue_token(self, body: bytes) -> None:
        form = parse_qs(body.decode())
        basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        pair = basic or f"{form.get('client_id', [''])[0]}:{form.get('client_secret', [''])[0]}"
        if pair != f"{CLIENT_ID}:{CLIENT_SECRET}":
            self._problem(401, {"WWW-Authenticate": "Basic"})
        else:
            token = {"access_token": self.system.new_token(), "token_type": "Bearer", "expires_in": 3600}
            self._answer(200, token, {"Cache-Control": "no-store"})

    def _read(self) -> None:
        target = urlsplit(self.path)
        query = parse_qs(target.query)
        self.system.asked.append(self.path)
        if refusal := self.system.refusal(self.headers.get("Authorization", "")):
            self._problem(*refusal)
            return
        stream = target.path.removeprefix("/v1/")
        records = self.system.records.get(stream)
        if records is None:
            self._problem(404, {})
            return
        start = 0
        if "external_key" in query:
            records = [record for record in records if record.get("external_key") in query["external_key"]]
        elif "cursor" in query:
            start = int(query["cursor"][0].removeprefix("row_")) + 1
        end = len(records) if "external_key" in query else start + _PAGE_SIZE
        has_more = end < len(records)
        page = {
            "watermark": WATERMARK,
            "has_more": has_more,
            "next_cursor": f"row_{end - 1}" if has_more else None,
            "items": records[start:end],
        }
        self._answer(200, page, {})

    def _write(self, body: dict[str, Any]) -> None:
        if refusal := self.system.refusal(self.headers.get("Authorization", "")):
            self._problem(*refusal)
            return
        key = self.headers.get("Idempotency-Key", "")
        text = json.dumps(body, sort_keys=True)
        if key in self.system.answers:
            stored, answer = self.system.answers[key]
            if stored != text:
                self._problem(422, {})
            else:
                self._answer(201, answer, {"Idempotency-Replayed": "true", "Location": self.path})
            return
        stream = self.path.removeprefix("/v1/")
        record = {**self.system.contract.record(stream, 1000 + len(self.system.records[stream])), **body}
        record = {name: record[name] for name in self.system.records[stream][0]}
        self.system.records[stream].append(record)
        self.system.answers[key] = (text, record)
        self._answer(201, record, {"Location": self.path})

    def _problem(self, status: int, headers: Mapping[str, str]) -> None:
        problem = {"type": "about:blank", "title": "No", "status": status, "detail": "Not like this."}
        self._answer(status, problem, headers, "application/problem+json")

    def _answer(
        self, status: int, value: Mapping[str, Any], headers: Mapping[str, str], kind: str = "application/json"
    ) -> None:
        body = json.dumps(value, indent=1).encode()
        rates = {"RateLimit-Limit": "1000", "RateLimit-Remaining": "999", "RateLimit-Reset": "60"}
        self.send_response(status)
        for name, text in {**rates, **headers, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running(contract: Path, *, is_friendly: bool = False) -> Iterator[tuple[str, System]]:
    """Run a server for one contract; yield its address and its state."""
    system = System(Contract(contract), is_friendly=is_friendly)
    handler = type("Handler", (_Handler,), {"system": system})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
