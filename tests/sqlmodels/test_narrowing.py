"""A question about one partner, answered from the records that may concern it, is answered as one about everybody."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from pipeline.home import Home
from pipeline.ledger.turns import TURN_COMPLETED
from pipeline.sqlmodels.asking import ALWAYS_ASKED, ask
from pipeline.sqlmodels.relations import Question
from resources.warehouse import open_for_reading, open_for_writing
from tests.reference.networks import Batch, Network, random_network
from tests.reference.records import Record
from tests.tables import GRAPH, Tables, files_settings

TARGETS: Final = (
    "freshness.positions",
    "freshness.held_copies",
    "freshness.evidence",
    "freshness.entitlements",
    "freshness.obligations",
)
POSITIONS: Final = TARGETS[:1]
# The streams whose records a question about one partner leaves out, and what says whose a record is.
MOVED: Final = {
    "access_events": "partner_id",
    "deliveries": "partner_id",
    "acknowledgments": "partner_id",
    "notices": "partner_id",
    "grants": "grantee_id",
}
NARROWED: Final[Counter[str]] = Counter()


@contextmanager
def lived(
    network: Network, folder: Path, *, is_whole: bool, targets: Iterable[str] = TARGETS
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Question]]]:
    """A warehouse that read a network batch by batch, for reading, and the questions that its turns answered.

    Where it is not whole a turn was killed, so that every question computes every model.
    """
    home = Home((folder / "home").resolve())
    home.path.parent.mkdir(parents=True, exist_ok=True)
    home.make()
    rng = random.Random(len(network.batches))
    turns = []
    with open_for_writing(home) as written:
        tables = Tables(files_settings(folder / "source"), home, folder / "source", written)
        for batch in network.batches:
            turn = tables.receive(batch, rng)
            tables.journal.append([turn.draft(TURN_COMPLETED, {"turn": str(turn.number)})])
            tables.compute(turn, turn.now, (*targets, *ALWAYS_ASKED))
            turns.append(Question(turn.now, turn.known_at))
        if not is_whole:
            written.execute("update ops.models set turn_no = turn_no + 1 where model = 'core.partners'")
    with open_for_reading(home) as connection:
        yield connection, turns


def rows_of(connection: duckdb.DuckDBPyConnection, table: str, partner: str) -> list[tuple[Any, ...]]:
    return connection.sql(
        f"select * from {table} where partner_id = $partner order by all", params={"partner": partner}
    ).fetchall()


def count_events(connection: duckdb.DuckDBPyConnection) -> int:
    is_there = "select 1 from duckdb_views() where database_name = 'asked' and view_name = 'access_events_history'"
    if not connection.sql(is_there).fetchall():
        return 0
    return int(connection.sql("select count(*) from core.access_events_history").fetchall()[0][0])


def hold_for_each_partner(
    connection: duckdb.DuckDBPyConnection, question: Question, targets: tuple[str, ...], only_partners: Iterable[str]
) -> None:
    ask(connection, GRAPH, targets, question)
    every = count_events(connection)
    partners = sorted(only_partners)
    answers = {(partner, table): rows_of(connection, table, partner) for partner in partners for table in targets}
    for partner in partners:
        ask(connection, GRAPH, targets, question, only={"partner_id": partner})
        NARROWED["narrowed" if count_events(connection) < every else "whole"] += 1
        for table in targets:
            assert rows_of(connection, table, partner) == answers[partner, table], (question, partner, table)


def partners_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.sql("select distinct partner_id from warehouse.core.partners_history order by 1")
    return [row[0] for row in found.fetchall()]


def with_moved_records(network: Network, rng: random.Random) -> Network:
    """The network, and two turns more, in which records come again that are another partner's now, or were before."""
    arrivals = network.arrivals()
    partners = sorted({str(arrival.record["partner_id"]) for arrival in arrivals if arrival.stream == "partners"})
    last = network.batches[-1].now
    moves = []
    for number in (1, 2):
        now = last + timedelta(days=number)
        streams: dict[str, list[Record]] = {}
        for stream, field in MOVED.items():
            records = [arrival.record for arrival in arrivals if arrival.stream == stream]
            for record in rng.sample(records, min(3, len(records))):
                at = rng.choice((now, last - timedelta(days=4000))).isoformat()
                stamps = {name: at for name in ("recorded_at", "updated_at") if name in record or stream != "notices"}
                streams.setdefault(stream, []).append({**record, field: rng.choice(partners), **stamps})
        moves.append(Batch(now, streams, frozenset()))
    return Network([*network.batches, *moves], network.questions)


def hold_on_a_network(seed: int, folder: Path, *, is_whole: bool, most_partners: int) -> None:
    rng = random.Random(seed)
    network = with_moved_records(random_network(rng, size="medium"), rng)
    with lived(network, folder, is_whole=is_whole) as (connection, turns):
        partners = partners_of(connection)
        for turn in turns:
            question = Question(rng.choice((turn.as_of, rng.choice(network.questions))), turn.known_at)
            asked = rng.sample(partners, min(most_partners, len(partners)))
            hold_for_each_partner(connection, question, rng.choice((POSITIONS, POSITIONS, TARGETS)), asked)


@pytest.mark.parametrize("is_whole", [True, False])
def test_one_partner_gets_what_it_gets_among_all_whenever_it_was_known(is_whole: bool, tmp_path: Path) -> None:
    NARROWED.clear()
    for seed in range(2):
        hold_on_a_network(seed, tmp_path / str(seed), is_whole=is_whole, most_partners=3)
    assert NARROWED["narrowed"] > NARROWED["whole"]


@pytest.mark.chaos
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(8))
def test_it_does_on_very_many_networks(part: int, tmp_path: Path) -> None:
    for seed in range(part * 1000, part * 1000 + int(os.environ.get("VIPGRID_CHAOS_STEPS", "400")) // 20):
        hold_on_a_network(seed, tmp_path / str(seed), is_whole=seed % 3 > 0, most_partners=100)
