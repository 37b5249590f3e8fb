"""Access verdicts of the SQL, now and then, against the slow, obvious reference on random networks."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.reference.agreement import hold, hold_on_very_many
from tests.reference.networks import Network, networks, random_network
from tests.reference.verdicts import Subject, Verdict, first_verdicts, verdicts
from tests.tables import Tables, ask_in_turn, open_tables

NOW: Final = "audit.verdicts"
THEN: Final = ("audit.first_verdicts", "audit.trail")
QUESTIONS_OF_A_NETWORK: Final = 3
Told = dict[Subject, Verdict]


def told_now(tables: Tables) -> Told:
    columns = "subject_type, subject_id, entitlement_now, timing_now"
    return {(row[0], row[1]): Verdict(row[2], row[3]) for row in tables.rows(f"select {columns} from {NOW}")}


def told_then(tables: Tables, table: str) -> Told:
    columns = "subject_type, subject_id, entitlement_then, timing_then"
    rows = tables.rows(f"select distinct {columns} from {table} where entitlement_then is not null")
    told = {(row[0], row[1]): Verdict(row[2], row[3]) for row in rows}
    assert len(told) == len(rows), f"two verdicts then on one access in {table}"
    return told


def parted(what: str, sql: Told, reference: Told) -> list[str]:
    return [
        f"{what} {subject}: SQL {sql.get(subject)}, reference {reference.get(subject)}"
        for subject in sorted(sql.keys() | reference.keys())
        if sql.get(subject) != reference.get(subject)
    ]


def differences(network: Network) -> list[str]:
    """Compute a network turn by turn and say where SQL and reference part."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, open_tables(Path(folder)) as tables:
        for asked in ask_in_turn(network, tables, (NOW, *THEN), most=QUESTIONS_OF_A_NETWORK):
            arrivals = network.arrivals(asked.batch_count)
            found += parted(f"now, as of {asked.as_of}", told_now(tables), verdicts(arrivals))
            if asked.is_now:
                firsts = first_verdicts(arrivals)
                for table in THEN:
                    found += parted(f"then, in turn {asked.batch_count}, {table}", told_then(tables, table), firsts)
    return found


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks())
def test_verdicts_are_those_of_the_reference(network: Network) -> None:
    hold(network, differences)


@pytest.mark.parametrize("seed", range(2))
def test_they_are_on_larger_networks_too(seed: int) -> None:
    hold(random_network(random.Random(seed), size="medium"), differences)


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    hold_on_very_many(differences, 2_000_000, "verdicts")
