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

from pipeline.actions.outbox import DECISION
from pipeline.home import Home
from pipeline.ingest.landed import landed_chunks
from pipeline.ingest.pull import pull_connection
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.journal import PERSON_ROLE, Draft, Journal, Value
from pipeline.ledger.turns import Turn, open_turn
from pipeline.settings import FilesConnection, Settings
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Question, give_landing, give_settings
from resources.rest import make_client
from resources.warehouse import open_in_memory
from tests.reference.networks import Batch, Network, write_folders

GRAPH: Final = load_graph()

# What a turn adds to and never makes anew.
KEPT: Final = frozenset({"audit.first_verdicts"})


def files_settings(folder: Path, **more: Any) -> Settings:
    """Both systems as complete folders in one place."""
    both = FilesConnection(kind="files", path=folder, watermark="now")
    return Settings(connections={"vip": both, "trading_grid": both}, **more)


@dataclass
class Tables:
    """One home in a folder, its connection in memory, and what was computed.

    Notices are due from ``go_live`` on; None = from each turn's now on, so that hardly one is.
    """

    settings: Settings
    home: Home
    source: Path
    connection: duckdb.DuckDBPyConnection
    go_live: datetime | None = None

    @property
    def journal(self) -> Journal:
        return Journal(self.home.ledger)

    def receive(self, batch: Batch, rng: random.Random) -> Turn:
        """Write a batch as files and pull it in a turn of its own; what persons decided is journalled in it."""
        self.source.mkdir(exist_ok=True)
        write_folders(batch, self.source, rng)
        turn = self.pull(batch.now)
        for record in batch.streams.get("decisions", []):
            self.decide(turn, record)
        return turn

    def decide(self, turn: Turn, record: Mapping[str, Any]) -> None:
        """Journal a decision as a person at the terminal does, without asking whether its subject exists."""
        instants = {name: record.get(name) for name in ("valid_from", "valid_to")}
        data: dict[str, Value] = {
            "decision_id": record["decision_id"],
            "kind": record["kind"],
            "subject": record.get("subject"),
            "partner_id": record.get("partner_id"),
            "asset_id": record.get("asset_id"),
            "version_no": None if record.get("version_no") is None else str(record["version_no"]),
            **{name: None if at is None else format_instant(parse_instant(at)) for name, at in instants.items()},
        }
        self.journal.append(
            [
                Draft(
                    kind=DECISION,
                    known_at=turn.known_at,
                    actor="tester",
                    role=PERSON_ROLE,
                    run_id=turn.id,
                    data=data,
                    source="decisions",
                    source_id=str(record["decision_id"]),
                    occurred_at=turn.now,
                    reason="because",
                )
            ]
        )

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
        give_settings(self.connection, self.settings, question, self.go_live or turn.now)
        return question

    def compute(self, turn: Turn, as_of: datetime, targets: Sequence[str], *, floors: Iterable[str] = ()) -> None:
        """Compute what the targets need; only models of the given floors where some are given."""
        question = self.lay(turn, as_of)
        increments = Increments(self.connection, question, turn.number)
        only = frozenset(floors)
        for name in GRAPH.left_of(targets):
            model = GRAPH.models[name]
            if not only or model.floor in only:
                (increments.refresh if name in KEPT else increments.replace)(model)

    def rows(self, query: str, params: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.sql(query, params=params or {}).fetchall()


@dataclass(frozen=True)
class Asked:
    """What was asked: how many batches had arrived, and as of when; `is_now` = as of the last of them."""

    batch_count: int
    as_of: datetime
    is_now: bool


def ask_in_turn(network: Network, tables: Tables, targets: Sequence[str], *, most: int) -> Iterator[Asked]:
    """Receive a network batch by batch; ask at each turn's now, and after the last at some more instants."""
    rng = random.Random(len(network.batches))
    for count, batch in enumerate(network.batches, start=1):
        turn = tables.receive(batch, rng)
        tables.compute(turn, batch.now, targets)
        yield Asked(count, batch.now, is_now=True)
    stride = max(1, len(network.questions) // most)
    for as_of in network.questions[::stride][:most]:
        tables.compute(turn, as_of, targets, floors=("freshness", "audit"))
        yield Asked(count, as_of, is_now=False)


@contextmanager
def open_tables(folder: Path, settings: Settings | None = None) -> Iterator[Tables]:
    """A fresh home below the folder."""
    home = Home(folder / "home")
    home.make()
    source = folder / "source"
    with open_in_memory(home) as connection:
        yield Tables(settings or files_settings(source), home, source, connection)
