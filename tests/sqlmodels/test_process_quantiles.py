"""Kaplan-Meier in SQL against the textbook's, in fractions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from tests.sqlmodels.process_stories import NOW
from tests.tables import Tables, open_tables

NOBODY: Final = "nobody"
SQL: Final = Path(__file__).parents[2] / "sql"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    with open_tables(tmp_path_factory.mktemp("quantiles")) as opened:
        opened.source.mkdir()
        opened.compute(opened.pull(NOW), NOW, ("marts.process_quantiles",))
        yield opened


def survivors(samples: Sequence[tuple[float, bool, Fraction]], share: Fraction) -> float | None:
    """Estimate the quantile as the textbook does: moment by moment, in fractions."""
    surviving = Fraction(1)
    for moment in sorted({seconds for seconds, _, _ in samples}):
        at_risk = sum((weight for seconds, _, weight in samples if seconds >= moment), Fraction(0))
        ended = sum((weight for seconds, seen, weight in samples if seconds == moment and seen), Fraction(0))
        surviving *= 1 - ended / at_risk
        if surviving <= 1 - share:
            return moment
    return None


def weighed(rows: Sequence[tuple[str, float, bool]], weighting: str) -> list[tuple[float, bool, Fraction]]:
    own: Mapping[str, int] = {partner: sum(1 for row in rows if row[0] == partner) for partner, _, _ in rows}
    return [
        (seconds, seen, Fraction(1) if weighting == "pair" else Fraction(1, own[partner]))
        for partner, seconds, seen in rows
    ]


def estimates(tables: Tables, rows: Sequence[tuple[str, float, bool]]) -> dict[tuple[str, str], float | None]:
    """What the SQL estimates of (partner, seconds, seen), by measure and weighting."""
    text = (SQL / "marts" / "process_quantiles.sql").read_text(encoding="utf-8")
    values = ", ".join(
        f"('K1', 'turnaround', 's{place}', 'duration', 'seconds', null::varchar, '{partner}', null::varchar,"
        f" null::timestamptz, {seconds}::double, {seen}, null::varchar)"
        for place, (partner, seconds, seen) in enumerate(rows)
    )
    columns = (
        "figure, measure, sample_id, kind, unit, group_id, partner_id, asset_id, occurred_at, seconds, is_observed,"
        " excluded_because"
    )
    tables.connection.execute(f"create or replace temp view given as select * from (values {values}) as v({columns})")
    tables.connection.execute(
        f"create or replace temp view known as select distinct partner_id from given where partner_id <> '{NOBODY}'"
    )
    text = text.replace("marts.process_samples", "given").replace("core.partners", "known")
    found = tables.rows(
        f"select measure, weighting, value from ({text}\n) where figure = 'K1' and dimension = 'all' and period = 'all'"
    )
    return {(measure, weighting): value for measure, weighting, value in found}


@pytest.mark.parametrize("seed", range(4))
def test_quantiles_are_those_of_the_plain_estimate(tables: Tables, seed: int) -> None:
    dice = random.Random(seed)
    rows = [
        (f"p{dice.randint(1, 6)}", float(dice.randint(1, 12)), dice.random() < (0.3, 0.6, 0.9, 1.0)[seed])
        for _ in range(40)
    ]
    found = estimates(tables, rows)
    for weighting in ("pair", "partner"):
        samples = weighed(rows, weighting)
        assert found["turnaround_p50", weighting] == survivors(samples, Fraction(1, 2))
        assert found["turnaround_p90", weighting] == survivors(samples, Fraction(9, 10))


@pytest.mark.parametrize("count", [2, 4, 6, 10, 14, 100])
def test_half_of_what_ended_is_the_median_however_the_product_rounds(tables: Tables, count: int) -> None:
    rows = [("p", float(place), True) for place in range(1, count + 1)]
    assert estimates(tables, rows)["turnaround_p50", "pair"] == count / 2


def test_whom_nobody_knows_counts_by_pair_and_weighs_nothing_by_partner(tables: Tables) -> None:
    rows = [(NOBODY, 1.0, True), (NOBODY, 2.0, True), (NOBODY, 3.0, True), ("p", 8.0, True), ("p", 9.0, True)]
    found = estimates(tables, rows)
    assert (found["turnaround_p50", "pair"], found["turnaround_p50", "partner"]) == (3.0, 8.0)


def test_a_quantile_that_nobody_reached_is_null(tables: Tables) -> None:
    rows = [("p", 1.0, True), ("p", 2.0, False), ("p", 3.0, False)]
    assert estimates(tables, rows)["turnaround_p50", "pair"] is None
