"""Every figure opened into the rows that it counts, and counted again."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.errors import StateError
from pipeline.reports.opening import Cell, Opening, Role, opening_of
from tests.reference_figures.affairs import bustling
from tests.reference_figures.dressing import dressed
from tests.reference_figures.markets import market
from tests.sqlmodels.figures_lived import GRAIN, Lived, lived
from tests.tables import Tables

ROLES: Final[tuple[Role, ...]] = ("numerator", "denominator", "censored", "excluded")
FIGURES: Final = {f"K{number}" for number in range(1, 15)}
WITH_A_BAR: Final = FIGURES - {"K6", "K7", "K9", "K13", "K14"}
QUANTILE: Final = "quantile"


@pytest.fixture(scope="module")
def opened() -> Iterator[Lived]:
    rng = random.Random(5)
    with lived(dressed(bustling(market(rng), rng)), 5) as told:
        yield told


def cell_of(key: tuple[Any, ...]) -> Cell:
    return Cell(**dict(zip(GRAIN.split(", "), key, strict=True)))


def count(tables: Tables, opening: Opening | None) -> float:
    """Count the rows behind one number of a cell."""
    if opening is None:
        return 0.0
    query = f"select coalesce({opening.counts}, 0) from ({opening.query})"
    return float(tables.rows(query, opening.parameters)[0][0])


def count_by_partner(tables: Tables, opening: Opening) -> dict[Any, float]:
    """Count them partner by partner."""
    query = f"select partner_id, {opening.counts} from ({opening.query}) group by partner_id"
    return {partner: float(things) for partner, things in tables.rows(query, opening.parameters)}


def recounted(tables: Tables, cell: Cell, kind: str) -> tuple[float, ...]:
    """Count the rows that each number of a cell opens into; weighted by partner, weigh their partners' own."""
    openings = {role: opening_of(tables.connection, cell, role) for role in ROLES}
    numbers = {role: count(tables, opening) for role, opening in openings.items()}
    if cell.weighting == "partner" and kind != QUANTILE:
        above, below = openings["numerator"], openings["denominator"]
        assert above is not None
        own = count_by_partner(tables, above)
        rates = list(own.values())
        if below is not None:
            rates = [own.get(partner, 0.0) / things for partner, things in count_by_partner(tables, below).items()]
        numbers |= {"numerator": sum(rates), "denominator": float(len(rates))}
    return tuple(numbers[role] for role in ROLES)


def some_of(rows: Mapping[tuple[Any, ...], tuple[Any, ...]], of: int) -> Iterator[tuple[Any, ...]]:
    """Draw two cells that count something for each value of the grain's first columns."""
    seen: Counter[tuple[Any, ...]] = Counter()
    counting = sorted(key for key, row in rows.items() if any(row))
    for key in random.Random(1).sample(counting, len(counting)):
        if seen[key[:of]] < 2:
            seen[key[:of]] += 1
            yield key


def mismatches(told: Lived, keys: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Open cells, and say where the count is another."""
    tables, rows = told.tables, told.told()
    kinds = {row[:2]: row[2] for row in tables.rows("select figure, measure, kind from marts.measures")}
    for key in keys:
        numerator, denominator, _, censored, excluded = rows[key]
        found = recounted(tables, cell_of(key), kinds[key[:2]])
        stored = (numerator, denominator or 0.0, censored, excluded)
        if any(abs(one - other) > 1e-6 for one, other in zip(found, stored, strict=True)):
            yield f"{key}: stored {stored}, opened {found}"


def test_every_figure_opens_into_the_rows_that_it_counts(opened: Lived) -> None:
    found = list(mismatches(opened, some_of(opened.told(), of=2)))
    assert not found, "\n".join(found[:5])


def test_every_measure_can_be_opened_and_every_figure_counts_something(opened: Lived) -> None:
    rows = opened.told()
    measures = set(opened.tables.rows("select figure, measure from marts.measures"))
    assert {key[:2] for key in rows} == measures
    assert {key[0] for key, row in rows.items() if row[0]} == FIGURES
    with pytest.raises(StateError, match="no measure"):
        opening_of(opened.tables.connection, Cell(figure="K1", measure="speed"), "numerator")


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_every_single_cell_does(opened: Lived) -> None:
    found = list(mismatches(opened, sorted(opened.told())))
    assert not found, "\n".join(found[:5])


@pytest.fixture
def late(opened: Lived) -> Iterator[Lived]:
    """The same, past what the feeds are known up to."""
    opened.compute(opened.now + timedelta(days=30))
    yield opened
    opened.compute(opened.now)


def test_they_do_where_data_is_late(late: Lived) -> None:
    rows = late.told()
    found = list(mismatches(late, some_of(rows, of=1)))
    assert not found, "\n".join(found[:5])
    assert {key[0] for key, row in rows.items() if key[1] == "data_late" and row[0]} == WITH_A_BAR


def documented() -> Iterator[tuple[str, str, str, str, str]]:
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| K") and len(cells) == 5:
            figure, measure, table, numerator, denominator = (cell.strip("`") for cell in cells)
            yield figure, measure, table, numerator, denominator


def test_the_page_of_figures_says_what_the_measures_say(opened: Lived) -> None:
    measures = {
        row[:2]: row[2:]
        for row in opened.tables.rows(
            "select figure, measure, opened_table, numerator_where, denominator_where from marts.measures"
            " where opened_table <> 'marts.process_samples'"
        )
    }
    rows = list(documented())
    assert {figure for figure, *_ in rows} == {figure for figure, _ in measures}
    for figure, measure, table, numerator, denominator in rows:
        if (figure, measure) in measures:
            opens, numerator_where, denominator_where = measures[figure, measure]
            assert opens == table
            assert numerator_where.startswith(f"({numerator})") or "`" in numerator
            assert denominator_where is None or denominator_where.startswith(f"({denominator})")
            del measures[figure, measure]
    families = ("state_", "obsolete_", "suppressed_", "feed_lag_p95_", "time_to_currency_", "data_late")
    left = {measure for _, measure in measures} - {"pages", "runs", "days"}
    assert all(measure.startswith(families) or measure.endswith(("_now", "_then")) for measure in left), left
