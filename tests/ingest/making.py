"""Homes, turns and connections of tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.landing import check_chunk, read_lines
from pipeline.ingest.pull import PullOutcome, pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import TURN_COMPLETED, Turn, open_turn
from pipeline.settings import Settings

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def no_client(*_arguments: object) -> Any:
    raise AssertionError


class Desk:
    """A state folder, a folder of files, and both connections reading from it."""

    def __init__(self, folder: Path, **connection: Any) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.home = Home(folder / "var")
        self.home.make()
        self.journal = Journal(self.home.ledger)
        files = {"kind": "files", "path": "data", **connection}
        self.settings = Settings.model_validate(
            {"connections": {"vip": files, "trading_grid": files}, "folder": folder}
        )
        self.now = NOW

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.data / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def turn(self) -> Turn:
        return open_turn(self.journal, self.now, self.now)

    def next_turn(self) -> Turn:
        last = self.turn()
        self.journal.append([last.draft(TURN_COMPLETED, {"turn": str(last.number)})])
        self.now += timedelta(hours=1)
        return self.turn()

    def pull(self, name: str = "vip", **more: Any) -> PullOutcome:
        return pull_connection(
            name, self.settings, self.home, self.journal, self.turn(), client_factory=no_client, **more
        )

    def lines(self, stream: str, turn: int | None = None) -> list[dict[str, Any]]:
        found = []
        for chunk in landed_chunks(self.journal):
            if chunk.stream == stream and turn in (None, chunk.turn):
                check_chunk(self.home.landing, chunk.chunk)
                found += list(read_lines(self.home.landing / chunk.file))
        return found

    def records(self, stream: str, turn: int | None = None) -> list[dict[str, Any]]:
        return [line["r"] for line in self.lines(stream, turn)]

    def page_lines(self, stream: str) -> list[dict[str, Any]]:
        chunks = [chunk for chunk in landed_chunks(self.journal) if chunk.stream == stream]
        return [line for chunk in chunks for line in read_lines(self.home.landing / chunk.pages_file)]
