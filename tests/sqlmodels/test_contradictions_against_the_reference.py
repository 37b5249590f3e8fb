"""Contradictions of the SQL against the slow, obvious reference on random networks."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.reference.agreement import hold, hold_on_very_many
from tests.reference.contradictions import Finding, contradictions
from tests.reference.networks import Network, random_network
from tests.reference.records import Record
from tests.reference_figures.affairs import bustling
from tests.tables import Tables, open_tables

# Between them, these show every rule.
SEEDS: Final = (5, 7)
RULES: Final = (
    *("acknowledged_without_bytes", "acknowledged_never_sent", "bytes_without_grant", "delivered_superseded"),
    *("version_number_reused", "content_change_equal_checksum", "request_closed_without_delivery"),
    *("issue_resolved_but_held", "notice_due_before_posted", "notice_without_subject"),
)
SEEN: Final[Counter[str]] = Counter()


def told(tables: Tables) -> set[Finding]:
    listed = ", ".join(f"'{rule}'" for rule in RULES)
    return set(tables.rows(f"select rule, subject_id from audit.conditions where rule in ({listed})"))


def differences(network: Network) -> list[str]:
    """Receive a network, compute it as of its last turn and of some other instant, and say where the two part."""
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, open_tables(Path(folder)) as tables:
        for batch in network.batches:
            turn = tables.receive(batch, random.Random(len(network.batches)))
        for as_of in (network.batches[-1].now, network.questions[len(network.questions) // 2]):
            tables.compute(turn, as_of, ("audit.conditions",))
            expected = contradictions(network.arrivals(), as_of=as_of)
            SEEN.update(rule for rule, _ in expected)
            found += [f"as of {as_of} {finding}" for finding in sorted(expected ^ told(tables))]
    return found


def busy(seed: int) -> Network:
    """Draw a network with requests and issues in which one version comes back with the bytes of another."""
    rng = random.Random(seed)
    network = bustling(random_network(rng), rng)
    last = network.batches[-1]
    versions = [arrival.record for arrival in network.arrivals() if arrival.stream == "asset_versions"]
    again: Record = {**versions[-1], "checksum_sha256": versions[0]["checksum_sha256"], "change_class": "content"}
    again["updated_at"] = last.now.isoformat()
    last.streams.setdefault("asset_versions", []).append(again)
    return network


def test_contradictions_are_those_of_the_reference() -> None:
    SEEN.clear()
    for seed in SEEDS:
        hold(busy(seed), differences)
    assert set(SEEN) == set(RULES)


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    hold_on_very_many(differences, 3_000_000, "contradictions")
