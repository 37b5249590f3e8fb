"""Tenants of tests: a small server on loopback, a connection to it, and what is read of what it gave."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import yaml

from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.landing import read_lines
from pipeline.ingest.profile import Profile
from pipeline.ingest.pull import PullOutcome, pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import TURN_COMPLETED, Turn, open_turn
from pipeline.settings import RestConnection, Settings
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Question, give_landing, give_settings
from resources.rest import RestClient, open_client
from resources.warehouse import open_in_memory

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = "canary-secret-4711"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def basic(self) -> str:
        return base64.b64decode(self.headers.get("authorization", "Basic ").removeprefix("Basic ")).decode()


@dataclass(frozen=True)
class Reply:
    """What a server says: JSON, or ``text`` as it is."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


Answering = Callable[[Asked], Reply | Any]


class Server:
    """A server on loopback that answers from a function of the request; what is no ``Reply`` is sent as JSON."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.asked: list[Asked] = []

    def __enter__(self) -> Self:
        """Listen."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): text for name, text in self.headers.items()}
                query = dict(parse_qsl(parts.query, keep_blank_values=True))
                asked = Asked(self.command, parts.path, query, headers, body)
                outer.asked.append(asked)
                given = outer._answering(asked)
                reply = given if isinstance(given, Reply) else Reply(given)
                payload = (json.dumps(reply.value) if reply.text is None else reply.text).encode()
                self.send_response(reply.status)
                for name, text in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, text)
                if reply.status == 204:
                    self.end_headers()
                    return
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = _serve  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def queries(self, path: str | None = None) -> list[dict[str, str]]:
        return [asked.query for asked in self.asked if path is None or asked.path == path]


class Tenant:
    """A state folder and one connection, turn by turn."""

    def __init__(
        self,
        folder: Path,
        url: str,
        profile: dict[str, Any] | Path,
        *,
        system: str = "vip",
        streams: tuple[str, ...] = ("assets",),
        secrets: dict[str, str] | None = None,
        **connection: Any,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.home = Home(folder / "var")
        self.home.make()
        self.profile = folder / "p.yaml" if isinstance(profile, dict) else profile
        if isinstance(profile, dict):
            self.write_profile(profile)
        rest = {
            "kind": "rest",
            "profile": str(self.profile),
            "base_url": url,
            "streams": streams,
            "secrets": secrets or {},
            **connection,
        }
        self.system = system
        self.settings = Settings.model_validate({"connections": {system: rest}, "folder": folder})
        self.now = NOW
        self.slept: list[float] = []

    @property
    def journal(self) -> Journal:
        return Journal(self.home.ledger)

    def write_profile(self, profile: dict[str, Any]) -> None:
        fast = {"requests_per_second": 10_000, **profile.get("limits", {})}
        self.profile.write_text(yaml.safe_dump({**profile, "limits": fast}))

    def client(self, name: str, connection: RestConnection, profile: Profile) -> RestClient:
        return open_client(name, connection, profile, clock=lambda: self.now, sleep=self.slept.append)

    def turn(self) -> Turn:
        return open_turn(self.journal, self.now, self.now)

    def pull(self) -> PullOutcome:
        return pull_connection(
            self.system, self.settings, self.home, self.journal, self.turn(), client_factory=self.client
        )

    def pull_well(self) -> dict[str, int]:
        outcome = self.pull()
        assert not outcome.failed, outcome.failed
        return dict(outcome.pulled)

    def next_turn(self, after: timedelta = timedelta(hours=1)) -> None:
        last = self.turn()
        self.journal.append([last.draft(TURN_COMPLETED, {"turn": str(last.number)})])
        self.now += after

    def error(self, stream: str = "assets") -> str:
        return str(self.pull().failed[stream])

    def landed(self, stream: str = "assets", turn: int | None = None) -> list[Any]:
        return [line.get("r", line.get("q")) for line in self._lines(stream, turn, "file")]

    def pages(self, stream: str = "assets", turn: int | None = None) -> list[dict[str, Any]]:
        return self._lines(stream, turn, "pages_file")

    def entry(self, stream: str = "assets") -> dict[str, Any]:
        entries = [e for e in self.journal.entries(frozenset({"stream_pulled"})) if e.source_id == stream]
        return dict(entries[-1].data)

    def rows(self, stream: str, columns: str = "*") -> list[dict[str, Any]]:
        """Stage everything that landed of a stream, in order."""
        return self.ask(f"staging.{stream}", columns, "turn_no, page_no, row_no")

    def ask(self, table: str, columns: str = "*", order: str = "1") -> list[dict[str, Any]]:
        with self.computed(table) as connection:
            relation = connection.sql(f"select {columns} from {table} order by {order}")
            return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    @contextmanager
    def computed(self, table: str) -> Iterator[Any]:
        graph, turn = load_graph(), self.turn()
        with open_in_memory(self.home) as connection:
            question = Question(turn.now, turn.known_at)
            give_landing(connection, self.home.landing.resolve(), landed_chunks(self.journal))
            give_ledger(connection, self.journal.path)
            give_settings(connection, self.settings, question, turn.now)
            increments = Increments(connection, question, turn.number)
            for name in graph.left_of([table]):
                increments.replace(graph.models[name])
            yield connection

    def _lines(self, stream: str, turn: int | None, which: str) -> list[dict[str, Any]]:
        chunks = [c for c in landed_chunks(self.journal) if c.stream == stream and turn in (None, c.turn)]
        return [line for chunk in chunks for line in read_lines(self.home.landing / getattr(chunk, which))]
