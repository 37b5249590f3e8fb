"""Figures: those of the SQL against the slow, obvious reference, every row of them."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.reference.networks import Network, random_network
from tests.reference_figures.affairs import bustling
from tests.reference_figures.dressing import dressed
from tests.reference_figures.everything import Grain
from tests.reference_figures.feeds import runs_of
from tests.reference_figures.markets import market
from tests.reference_figures.things import Value
from tests.sqlmodels.figures_lived import lived
from tests.tables import open_tables

LATER: Final = timedelta(days=9)
SORTS: Final = ("new", "new_editions", "duplicates", "quarantined")
OF_PAGES: Final = frozenset({("K14", "pages"), ("K14", "pages_with_quarantine")})


def is_same(value: Value, row: tuple[Any, ...]) -> bool:
    expected = (value.numerator, value.denominator, value.value, value.censored, value.excluded)
    return all(
        (one is None and other is None) or (one is not None and other is not None and abs(float(one) - other) < 1e-6)
        for one, other in zip(expected, row, strict=True)
    )


def is_empty(value: Value) -> bool:
    return not (value.numerator or value.denominator or value.censored or value.excluded)


def differences(network: Network, seed: int) -> list[str]:
    """Say where SQL and reference part, now and past the watermark."""
    found: list[str] = []
    with lived(network, seed) as told:
        for as_of in (told.now, told.now + LATER):
            if as_of != told.now:
                told.compute(as_of)
            found += [f"as of {as_of} {line}" for line in parted(told.expected(as_of), told.told())]
    return found


def parted(expected: dict[Grain, Value], rows: dict[tuple[Any, ...], tuple[Any, ...]]) -> list[str]:
    """Hold every row against its other; how records are paged is the reader's affair."""
    weighed = {key[:3] for key in rows}
    found = []
    for key in sorted({*rows, *(key for key in expected if key[:3] in weighed)}, key=str):
        value, row = expected.get(key), rows.get(key)
        if key[:2] in OF_PAGES:
            continue
        if row is None:
            if value is not None and not is_empty(value):
                found.append(f"{key}: no row in SQL, reference {value}")
        elif value is None or not is_same(value, row):
            found.append(f"{key}: SQL {row}, reference {value}")
    missing = {key[:2] for key in expected} - {key[:2] for key in rows}
    return found + [f"{measure}: not in SQL" for measure in sorted(missing)]


@pytest.mark.parametrize("seed", range(2))
def test_figures_are_those_of_the_reference(seed: int) -> None:
    rng = random.Random(seed)
    found = differences(dressed(bustling(market(rng), rng)), seed)
    assert not found, "\n".join(found[:5])


def test_they_are_where_much_is_awkward() -> None:
    rng = random.Random(500)
    found = differences(dressed(bustling(random_network(rng, size="medium"), rng)), 500)
    assert not found, "\n".join(found[:5])


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    steps = int(os.environ.get("VIPGRID_CHAOS_STEPS", "400")) // 4
    for seed in range(7_000_000, 7_000_000 + steps):
        rng = random.Random(seed)
        network = market(rng) if seed % 2 else random_network(rng, size="medium")
        found = differences(dressed(bustling(network, rng)), seed)
        assert not found, f"seed {seed}: {found[:5]}"
    print(f"figures of {steps} random networks agree with the reference")


def test_a_run_is_what_its_records_turn_out_to_be(tmp_path: Path) -> None:
    rng = random.Random(7)
    network = bustling(random_network(rng, size="medium"), rng)
    columns = "turn_no, fetched, new, new_editions, duplicates, quarantined, stamp"
    with open_tables(tmp_path) as tables:
        for batch in network.batches:
            tables.compute(tables.receive(batch, rng), batch.now, ("marts.completeness",))
        found = tables.rows(f"select {columns} from marts.completeness where scope = 'run' order by turn_no")
    expected = [
        (turn_no, run.sorts.total(), *(run.sorts[sort] for sort in SORTS), "COMPLETE")
        for turn_no, run in enumerate(runs_of(network), start=1)
    ]
    assert found == expected
