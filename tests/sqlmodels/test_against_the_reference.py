"""Positions and lives of the SQL against the slow, obvious reference, on random networks and at awkward instants."""

from __future__ import annotations

import random
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.reference.agreement import hold, hold_on_very_many
from tests.reference.networks import Network, networks, random_network
from tests.reference.positions import PositionRow, positions
from tests.reference.versions import version_lives
from tests.tables import Tables, open_tables

TARGETS: Final = ("freshness.positions", "freshness.version_lives")
COLUMNS: Final = tuple(field.name for field in fields(PositionRow))
QUESTIONS_OF_A_NETWORK: Final = 4
Rows = dict[tuple[str, str], tuple[Any, ...]]


def stored_positions(tables: Tables) -> Rows:
    columns = ", ".join(COLUMNS)
    rows = tables.rows(f"select partner_id, asset_id, {columns} from freshness.positions")
    return {
        (row[0], row[1]): tuple(tuple(value) if isinstance(value, list) else value for value in row[2:]) for row in rows
    }


def differences(network: Network) -> list[str]:
    """Compute a network turn by turn and say where SQL and reference part."""
    found: list[str] = []
    rng = random.Random(len(network.batches))
    with tempfile.TemporaryDirectory() as folder, open_tables(Path(folder)) as tables:
        for count, batch in enumerate(network.batches, start=1):
            turn = tables.receive(batch, rng)
            arrivals = network.arrivals(count)
            is_last = count == len(network.batches)
            for place, as_of in enumerate(
                [batch.now, *(network.questions[:QUESTIONS_OF_A_NETWORK] if is_last else [])]
            ):
                tables.compute(turn, as_of, TARGETS, floors=() if place == 0 else ("freshness",))
                expected: Rows = {
                    pair: tuple(getattr(row, name) for name in COLUMNS)
                    for pair, row in positions(arrivals, as_of=as_of).items()
                }
                stored = stored_positions(tables)
                found += [
                    f"{as_of} {pair}: SQL {stored.get(pair)}, reference {expected.get(pair)}"
                    for pair in sorted(stored.keys() | expected.keys())
                    if stored.get(pair) != expected.get(pair)
                ]
            columns = (
                "region, zone, asset_id, version_no, effective_at, ended_at, end_reason, is_reinstated, resolution_flag"
            )
            lives = set(tables.rows(f"select {columns} from freshness.version_lives"))
            reference = {tuple(getattr(life, name) for name in columns.split(", ")) for life in version_lives(arrivals)}
            found += [f"a life of one side only: {life}" for life in sorted(lives ^ reference, key=str)]
    return found


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks())
def test_positions_and_lives_are_those_of_the_reference(network: Network) -> None:
    hold(network, differences)


@pytest.mark.parametrize("seed", range(3))
def test_they_are_on_larger_networks_too(seed: int) -> None:
    hold(random_network(random.Random(seed), size="medium"), differences)


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    hold_on_very_many(differences, 1_000_000, "positions and lives")
