"""Tables for tests: landing and models from given records, without terminal or Dagster.

Belongs here: the shortest honest way from records in folders to computed tables. Does not belong here:
expectations.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.pull import pull_connection
from pipeline.ledger.journal import Journal
from pipeline.ledger.turns import Turn, open_turn
from pipeline.settings import FilesConnection, Settings
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.relations import Question, give_landing, give_ledger, give_settings
from pipeline.sqlmodels.runner import run_model
from resources.rest import make_client
from resources.warehouse import open_in_memory
from tests.reference.networks import Batch, write_folders

GRAPH: Final = load_graph()


def files_settings(folder: Path, **more: Any) -> Settings:
    """Both systems as complete folders in one place."""
    both = FilesConnection(kind="files", path=folder, watermark="now")
    return Settings(connections={"vip": both, "trading_grid": both}, **more)


@dataclass
class Tables:
    """One home in a folder, its connection in memory, and what was computed."""

    settings: Settings
    home: Home
    source: Path
    connection: duckdb.DuckDBPyConnection

    @property
    def journal(self) -> Journal:
        return Journal(self.home.ledger)

    def receive(self, batch: Batch, rng: random.Random) -> Turn:
        """Write a batch as files and pull it in a turn of its own."""
        self.source.mkdir(exist_ok=True)
        write_folders(batch, self.source, rng)
        return self.pull(batch.now)

    def pull(self, now: datetime) -> Turn:
        turn = open_turn(self.journal, now, now)
        for name in self.settings.connections:
            outcome = pull_connection(name, self.settings, self.home, self.journal, turn, client_factory=make_client)
            assert not outcome.failed, outcome.failed
        return turn

    def lay(self, turn: Turn, as_of: datetime) -> Question:
        question = Question(as_of, turn.known_at)
        give_landing(self.connection, self.home.landing.resolve(), landed_chunks(self.journal))
        give_ledger(self.connection, self.journal.path)
        give_settings(self.connection, self.settings, question, turn.now)
        return question

    def compute(self, turn: Turn, as_of: datetime, targets: Sequence[str], *, floors: Iterable[str] = ()) -> None:
        """Compute what the targets need; only models of the given floors where some are given."""
        question = self.lay(turn, as_of)
        only = frozenset(floors)
        for name in GRAPH.left_of(targets):
            if not only or GRAPH.models[name].floor in only:
                run_model(self.connection, GRAPH.models[name], question, turn.number)

    def rows(self, query: str, params: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.sql(query, params=params or {}).fetchall()


@contextmanager
def open_tables(folder: Path, settings: Settings | None = None) -> Iterator[Tables]:
    """A fresh home below the folder."""
    home = Home(folder / "home")
    home.make()
    source = folder / "source"
    with open_in_memory(home) as connection:
        yield Tables(settings or files_settings(source), home, source, connection)
