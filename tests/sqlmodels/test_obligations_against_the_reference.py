"""Obligations and classes of acknowledgments of the SQL against the slow, obvious reference on random networks."""

from __future__ import annotations

import random
import tempfile
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pipeline.notice_settings import Notices
from pipeline.settings import Policies
from tests.reference.acknowledgment_classes import acknowledgment_classes
from tests.reference.agreement import hold, hold_on_very_many
from tests.reference.networks import Network, networks, random_network
from tests.reference.obligations import ObligationRow, obligations
from tests.reference.policy import Policy
from tests.tables import Tables, ask_in_turn, files_settings, open_tables

OBLIGATIONS: Final = "freshness.obligations"
CLASSES: Final = "freshness.acknowledgment_classes"
KEY: Final = "partner_id, asset_id, version_no, kind"
COLUMNS: Final = tuple(field.name for field in fields(ObligationRow))
QUESTIONS_OF_A_NETWORK: Final = 4
ANNOUNCED_BEFORE: Final = (timedelta(0), timedelta(days=7), timedelta(hours=36))
Rows = dict[Any, Any]


def policy_of(network: Network) -> Policy:
    """Vary the configuration with the network: how early notices are due, and the go-live."""
    first = network.batches[0].now
    die = random.Random(int(first.timestamp()))
    go_live = first - die.choice((timedelta(days=400), timedelta(days=9), timedelta(0)))
    return Policy(announce_before=die.choice(ANNOUNCED_BEFORE), notify_from=go_live)


def told_obligations(tables: Tables) -> Rows:
    rows = tables.rows(f"select {KEY}, {', '.join(COLUMNS)} from {OBLIGATIONS}")
    told = {tuple(row[:4]): ObligationRow(*row[4:]) for row in rows}
    assert len(told) == len(rows), "one obligation has two rows"
    return told


def told_classes(tables: Tables) -> Rows:
    rows = tables.rows(f"select ack_id, {KEY}, class from {CLASSES}")
    told = {(row[0], None if row[1] is None else tuple(row[1:5])): row[5] for row in rows}
    assert len(told) == len(rows), "one acknowledgment has two classes towards one obligation"
    return told


def parted(what: str, sql: Rows, reference: Rows) -> list[str]:
    return [
        f"{what} {key}: SQL {sql.get(key)}, reference {reference.get(key)}"
        for key in sorted(sql.keys() | reference.keys(), key=str)
        if sql.get(key) != reference.get(key)
    ]


def differences(network: Network) -> list[str]:
    """Compute a network turn by turn and say where SQL and reference part."""
    found: list[str] = []
    policy = policy_of(network)
    configuration = f"{policy.announce_before} before, from {policy.notify_from}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configured = files_settings(
            folder / "source",
            policies=Policies(announce_before=policy.announce_before),
            notices=Notices(notify_from=policy.notify_from),
        )
        with open_tables(folder, configured) as tables:
            for asked in ask_in_turn(network, tables, (OBLIGATIONS, CLASSES), most=QUESTIONS_OF_A_NETWORK):
                arrivals = network.arrivals(asked.batch_count)
                owed = obligations(arrivals, as_of=asked.as_of, policy=policy)
                found += parted(f"as of {asked.as_of}, {configuration},", told_obligations(tables), dict(owed))
                classes = acknowledgment_classes(arrivals, as_of=asked.as_of, policy=policy)
                found += parted(f"as of {asked.as_of}", told_classes(tables), dict(classes))
    return found


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(networks())
def test_obligations_and_classes_are_those_of_the_reference(network: Network) -> None:
    hold(network, differences)


@pytest.mark.parametrize("seed", range(2))
def test_they_are_on_larger_networks_too(seed: int) -> None:
    hold(random_network(random.Random(seed), size="medium"), differences)


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    hold_on_very_many(differences, 3_000_000, "obligations")
