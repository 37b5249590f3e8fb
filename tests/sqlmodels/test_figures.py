"""Figures: those of the SQL against the slow, obvious reference, and every one of them opened into its rows."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from pipeline.reports.opening import Cell, opening_of
from pipeline.settings import Notices
from tests.reference.networks import Network, random_network
from tests.reference.policy import Policy
from tests.reference_figures.dressing import dressed
from tests.reference_figures.figures import World, things_of, waits_of
from tests.reference_figures.markets import market
from tests.reference_figures.things import (
    Thing,
    Value,
    Wait,
    by_pair,
    by_partner,
    divided,
    kaplan_meier,
)
from tests.tables import Tables, files_settings, open_tables

KPIS: Final = "marts.kpis"
COUNTS: Final = frozenset({"K7"})
DISTANT: Final = datetime.fromisoformat("1900-01-01T00:00:00+00:00")
GRAIN: Final = "figure, measure, weighting, dimension, dimension_value, period"
ROLES: Final = ("numerator", "denominator", "censored", "excluded")
LATER: Final = timedelta(days=9)


@contextmanager
def lived(network: Network) -> Iterator[tuple[Tables, Any]]:
    """A network turn by turn, with the figures of each turn computed; the last turn beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = files_settings(folder / "source", notices=Notices(notify_from=DISTANT))
        with open_tables(folder, settings) as tables:
            turn = None
            for batch in network.batches:
                turn = tables.receive(batch, random.Random(1))
                is_last = batch is network.batches[-1]
                tables.compute(turn, batch.now, (KPIS,) if is_last else ("audit.first_verdicts",))
            yield tables, turn


def world_of(network: Network, as_of: datetime) -> World:
    policy = Policy(notify_from=DISTANT)
    return World(network.arrivals(), as_of, network.batches[-1].now, policy)


def told(tables: Tables) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = tables.rows(f"select {GRAIN}, numerator, denominator, value, censored, excluded from {KPIS}")
    return {row[:6]: row[6:] for row in rows}


def is_same(value: Value, row: tuple[Any, ...]) -> bool:
    expected = (value.numerator, value.denominator, value.value, value.censored, value.excluded)
    return all(
        (one is None and other is None) or (one is not None and other is not None and abs(float(one) - other) < 1e-6)
        for one, other in zip(expected, row, strict=True)
    )


def is_empty(value: Value) -> bool:
    return not (value.numerator or value.denominator or value.censored or value.excluded)


def expected_rates(world: World, figures: set[tuple[str, str]]) -> dict[tuple[Any, ...], Value]:
    """What the reference says of every rate and count, by the grain of marts.kpis."""
    found: dict[tuple[Any, ...], Value] = {}
    known, things = world.known, things_of(world)
    for figure, measure in figures:
        for division, counted in divided(known, things.get((figure, measure), []), world.as_of).items():
            key = (figure, measure)
            place = (division.dimension, division.value, division.period)
            is_count = figure in COUNTS
            found[*key, "pair", *place] = by_pair(counted, is_count=is_count)
            found[*key, "partner", *place] = by_partner(known, counted, is_count=is_count)
    return found


def expected_times(world: World) -> dict[tuple[Any, ...], Value]:
    """What the reference says of the time to currency."""
    found: dict[tuple[Any, ...], Value] = {}
    waits = waits_of(world)
    of = {id(thing): wait for thing, wait in waits}
    for division, things in divided(world.known, [thing for thing, _ in waits], world.as_of).items():
        place = (division.dimension, division.value, division.period)
        found |= {("K6", measure, "pair", *place): value for measure, value in _times(world, things, of).items()}
    return found


def _times(world: World, things: list[Thing], of: dict[int, Wait | None]) -> dict[str, Value]:
    own = [of[id(thing)] for thing in things]
    waits = [wait for wait in own if wait is not None]
    ahead, reached = len(own) - len(waits), sum(wait.is_reached for wait in waits)
    if world.is_late:
        gone = Value(Fraction(0), Fraction(0), None, 0, len(own))
        return dict.fromkeys(("time_to_currency_p50", "time_to_currency_p90"), gone)
    found = {}
    for measure, share in (("time_to_currency_p50", Fraction(1, 2)), ("time_to_currency_p90", Fraction(9, 10))):
        moment = kaplan_meier(waits, share)
        value = None if moment is None else Fraction(moment.total_seconds())
        found[measure] = Value(Fraction(reached), Fraction(len(waits)), value, len(waits) - reached, ahead)
    return found


def differences(network: Network) -> list[str]:
    """Say where SQL and reference part, now and past the watermark."""
    found: list[str] = []
    with lived(network) as (tables, turn):
        now = network.batches[-1].now
        for as_of in (now, now + LATER):
            if as_of != now:
                tables.compute(turn, as_of, (KPIS,), floors=("freshness", "ops", "marts"))
            world, rows = world_of(network, as_of), told(tables)
            found += parted(world, rows)
    return found


def parted(world: World, rows: dict[tuple[Any, ...], tuple[Any, ...]]) -> list[str]:
    measures = {key[:2] for key in things_of(world)}
    expected = expected_rates(world, measures) | expected_times(world)
    covered = {key[:3] for key in rows if key[:2] in measures} | {
        ("K6", name, "pair") for name in ("time_to_currency_p50", "time_to_currency_p90")
    }
    found = []
    for key in sorted({key for key in expected.keys() | rows.keys() if key[:3] in covered}, key=str):
        value, row = expected.get(key), rows.get(key)
        if row is None:
            if value is not None and not is_empty(value):
                found.append(f"as of {world.as_of} {key}: no row in SQL, reference {value}")
        elif value is None or not is_same(value, row):
            found.append(f"as of {world.as_of} {key}: SQL {row}, reference {value}")
    return found


@pytest.mark.parametrize("seed", range(2))
def test_figures_are_those_of_the_reference(seed: int) -> None:
    found = differences(dressed(market(random.Random(seed))))
    assert not found, "\n".join(found[:5])


def test_they_are_where_much_is_awkward() -> None:
    found = differences(dressed(random_network(random.Random(500), size="medium")))
    assert not found, "\n".join(found[:5])


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_they_are_on_very_many_networks() -> None:
    steps = int(os.environ.get("VIPGRID_CHAOS_STEPS", "400")) // 4
    for seed in range(steps):
        rng = random.Random(7_000_000 + seed)
        found = differences(dressed(market(rng) if seed % 2 else random_network(rng, size="medium")))
        assert not found, f"seed {7_000_000 + seed}: {found[:5]}"
    print(f"figures of {steps} random networks agree with the reference")


def recounted(tables: Tables, cell: Cell) -> dict[str, float]:
    """Count the rows that a cell opens into; weighted by partner, from each partner's own."""
    found = {}
    for role in ROLES:
        opening = opening_of(tables.connection, cell, role)
        query = (
            "select 0" if opening is None else f"select coalesce(sum({opening.each_counts}), 0) from ({opening.query})"
        )
        found[role] = float(tables.rows(query, None if opening is None else opening.parameters)[0][0])
    return found


def recounted_by_partner(tables: Tables, cell: Cell, *, is_count: bool) -> tuple[float, float]:
    """Weigh the rows that a cell opens into by their partners."""
    own: dict[str, dict[Any, int]] = {}
    for role in ("numerator", "denominator"):
        opening = opening_of(tables.connection, cell, role)
        if opening is not None:
            query = f"select partner_id, count(*) from ({opening.query}) group by partner_id"
            own[role] = dict(tables.rows(query, opening.parameters))
    counted = own["numerator"]
    if is_count:
        return float(sum(counted.values())), float(len(counted))
    rates = [counted.get(partner, 0) / count for partner, count in own["denominator"].items()]
    return sum(rates), float(len(rates))


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Tables, Any]]:
    with lived(dressed(market(random.Random(5)))) as both:
        yield both


def mismatches(tables: Tables, most: int) -> Iterator[str]:
    """Open so many rows of each weighting, dimension and kind of period, and say where the count is another."""
    kinds = {row[:2]: row[2] for row in tables.rows("select figure, measure, kind from marts.measures")}
    rows = told(tables)
    opened: Counter[tuple[Any, ...]] = Counter()
    for key in random.Random(1).sample(sorted(rows), len(rows)):
        row, sort = rows[key], (*key[:4], key[5] == "all")
        if key[:2] not in kinds or opened[sort] == most:
            continue
        opened[sort] += 1
        cell = Cell(**dict(zip(GRAIN.split(", "), key, strict=True)))
        is_count = kinds[key[:2]] == "count"
        counts = recounted(tables, cell)
        if cell.weighting == "partner":
            counts["numerator"], counts["denominator"] = recounted_by_partner(tables, cell, is_count=is_count)
        expected = (counts["numerator"], counts["denominator"], counts["censored"], counts["excluded"])
        stored = (row[0], row[1] or 0.0, row[3], row[4])
        if any(abs(one - other) > 1e-6 for one, other in zip(expected, stored, strict=True)):
            yield f"{key}: stored {stored}, opened {expected}"


def test_figures_open_into_the_rows_that_they_count(opened: tuple[Tables, Any]) -> None:
    found = list(mismatches(opened[0], most=1))
    assert not found, "\n".join(found[:5])


@pytest.mark.chaos
@pytest.mark.timeout(0)
def test_every_single_figure_does(opened: tuple[Tables, Any]) -> None:
    found = list(mismatches(opened[0], most=1_000_000))
    assert not found, "\n".join(found[:5])


def documented() -> Iterator[tuple[str, str, str, str, str]]:
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| K") and len(cells) == 5:
            figure, measure, table, numerator, denominator = (cell.strip("`") for cell in cells)
            yield figure, measure, table, numerator, denominator


def test_the_page_of_figures_says_what_the_measures_say(opened: tuple[Tables, Any]) -> None:
    measures = {
        row[:2]: row[2:]
        for row in opened[0].rows(
            "select figure, measure, opened_table, numerator_where, denominator_where from marts.measures"
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
