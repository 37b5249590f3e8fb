"""All figures of all things, divided and weighed (docs/domain.md 11).

Here belong: what each measure is made of its things, what late feeds take out of it, the rows by their grain. Not here:
the things (a module per figure), the arithmetic (things.py).
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from tests.reference_figures import figures
from tests.reference_figures.exceptions import exception_loop
from tests.reference_figures.fulfilment import first_time_right, turnarounds
from tests.reference_figures.launches import readiness
from tests.reference_figures.letters import Sent, Suppressed, posted, quality
from tests.reference_figures.things import (
    MONTHS,
    Kind,
    Periods,
    Thing,
    Things,
    Value,
    by_pair,
    by_partner,
    divided,
    month_of,
    quantile,
    quantile_by_partner,
    week_of,
)
from tests.reference_figures.withdrawals import effectiveness
from tests.reference_figures.worlds import World

Grain = tuple[str, str, str, str, str, str]
"""figure, measure, weighting, dimension, dimension_value, period"""

PROCESSES = frozenset({"K1", "K2", "K8", "K10", "K11"})
NEGATIVE = frozenset({"K1", "K2", "K3", "K4", "K5", "K6", "K8", "K10", "K11"})
COUNTS = frozenset({"holders_known", "accesses_after", "unknown_downloads", "notices_sent"})
SHARES = {"p50": Fraction(1, 2), "p90": Fraction(9, 10)}
BARS = {
    "K1": "turnaround",
    "K2": "first_time_right",
    "K8": "completed",
    "K10": "readiness",
    "K11": "triage",
    "K3": "notice_coverage",
    "K4": "response",
    "K5": "currency",
    "K12": "acted_on_within_72_hours",
}
"""Out of which measure's things the bar of late data is made."""

DURATIONS = frozenset(
    {
        *(("K1", "turnaround"), ("K6", "time_to_currency"), ("K8", "completion"), ("K8", "replacement")),
        ("K10", "confirmation"),
        *(("K11", stage + how) for stage in ("triage", "replacement", "confirmation") for how in ("", "_calendar")),
    }
)


def kind_of(figure: str, measure: str) -> Kind:
    """Say what a measure makes of its things."""
    if (figure, measure) in DURATIONS:
        return Kind.QUANTILE
    is_bar = measure == "data_late" and figure in PROCESSES
    if measure in COUNTS or figure == "K7" or is_bar:
        return Kind.COUNT
    return Kind.REPEATS if measure == "repeats_per_asset" else Kind.RATE


def periods_of(figure: str, kind: Kind) -> Periods:
    """Say into which periods a figure is divided, and along which dimensions."""
    if figure == "K12":
        return Periods(week_of)
    if figure in PROCESSES and kind is Kind.QUANTILE:
        return Periods(month_of, of_partners=False)
    return Periods(month_of, of_assets=True) if figure in PROCESSES else MONTHS


def things_of(
    world: World,
    ours: Iterable[Sent] = (),
    listed: Iterable[str] = (),
    suppressed: Iterable[Suppressed] = (),
) -> Things:
    """Every measure's things; `ours` are our notices that are not listed yet, `listed` the keys of those that are."""
    known, as_of = world.known, world.as_of
    found: Things = {
        ("K1", "turnaround"): list(turnarounds(known, as_of, world.calendar)),
        ("K2", "first_time_right"): list(first_time_right(known, as_of)),
        **effectiveness(known, as_of, world.policy),
        **readiness(known, as_of),
        **exception_loop(known, as_of, world.calendar),
        **quality(known, as_of, [*posted(known, listed), *ours], suppressed),
    }
    for tell in (
        *(figures.coverage, figures.responses, figures.currency, figures.times, figures.violations),
        *(figures.obsolete, figures.evidence),
    ):
        found |= tell(world)
    bars = {
        (figure, "data_late"): list(_bar(world, figure, found.get((figure, of), []))) for figure, of in BARS.items()
    }
    return {name: [_late(world, name, thing) for thing in things] for name, things in found.items()} | bars


def _is_negative(name: tuple[str, str]) -> bool:
    """Whether it says what somebody has not done."""
    return name == ("K12", "acted_on_within_72_hours") or (name[0] in NEGATIVE and kind_of(*name) is not Kind.COUNT)


def _late(world: World, name: tuple[str, str], thing: Thing) -> Thing:
    """Take a thing out of its measure where the claim would be made past the watermark."""
    if not world.is_late or not _is_negative(name):
        return thing
    is_there = thing.denominator or thing.excluded or thing.wait is not None
    return Thing(thing.partner_id, thing.asset_id, thing.happened_at, excluded=is_there)


def _bar(world: World, figure: str, things: list[Thing]) -> Iterator[Thing]:
    """Yield what late data takes out: of processes a count, else out of what there is."""
    for thing in things:
        is_counted = thing.denominator or thing.wait is not None or figure == "K5"
        if is_counted and (world.is_late or figure not in PROCESSES):
            yield Thing(thing.partner_id, thing.asset_id, thing.happened_at, numerator=world.is_late, denominator=True)


def rows_of(world: World, things: Things) -> dict[Grain, Value]:
    """Return every row that the things make, in both weightings."""
    found: dict[Grain, Value] = {}
    known = world.known
    for (figure, measure), counted in things.items():
        kind = kind_of(figure, measure)
        for division, mine in divided(known, counted, world.as_of, periods_of(figure, kind)).items():
            place = (division.dimension, division.value, division.period)
            if kind is Kind.QUANTILE:
                for name, share in SHARES.items():
                    found[figure, f"{measure}_{name}", "pair", *place] = quantile(mine, share)
                    found[figure, f"{measure}_{name}", "partner", *place] = quantile_by_partner(known, mine, share)
                continue
            found[figure, measure, "pair", *place] = by_pair(mine, kind)
            found[figure, measure, "partner", *place] = by_partner(known, mine, kind)
    return found
