"""Rates, counts and medians out of lists of things (docs/domain.md 11): the slow reference.

Here belong: dividing by dimension and period, both weightings, Kaplan and Meier. Not here: what the
things are (figures.py). It shares nothing with the SQL.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from fractions import Fraction

from tests.reference.records import Knowledge, has_passed, instant, required_instant, text

NONE = "(none)"


@dataclass(frozen=True)
class Wait:
    """How long something took, or was seen not to be there yet."""

    lasted: timedelta
    is_reached: bool


@dataclass(frozen=True)
class Thing:
    """One thing that a figure is about, and what it is there; with a wait where it is about how long."""

    partner_id: str | None
    asset_id: str | None
    happened_at: datetime | None
    numerator: bool = False
    denominator: bool = False
    censored: bool = False
    excluded: bool = False
    wait: Wait | None = None


Things = dict[tuple[str, str], list[Thing]]
"""By figure and measure."""


class Kind(Enum):
    """What is made of a measure's things."""

    RATE = "rate"
    COUNT = "count"
    REPEATS = "repeats"
    QUANTILE = "quantile"


@dataclass(frozen=True)
class Periods:
    """What a measure is divided into in time: `name` says an instant's; beside all, of partners, of assets."""

    name: Callable[[datetime], str]
    of_partners: bool = True
    of_assets: bool = False


@dataclass(frozen=True)
class Division:
    """Where a thing is counted."""

    dimension: str
    value: str
    period: str


@dataclass(frozen=True)
class Value:
    """One row of the figures, without its grain."""

    numerator: Fraction
    denominator: Fraction | None
    value: Fraction | None
    censored: int
    excluded: int


def ratio(numerator: Fraction, denominator: Fraction) -> Fraction | None:
    """A rate with denominator 0 is nothing at all."""
    return numerator / denominator if denominator else None


def month_of(at: datetime) -> str:
    """Return the month in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m")


def programs_of(known: Knowledge, partner_id: str, as_of: datetime) -> set[str]:
    """Return the values of the program groups that it is in."""
    programs = {
        group["group_id"]: str(group.get("value") or group.get("name") or group["group_id"])
        for group in known.current("partner_groups")
        if group.get("dimension") == "partner_program"
    }
    return {
        programs[member["group_id"]]
        for member in known.current("group_members")
        if member["partner_id"] == partner_id
        and member["group_id"] in programs
        and required_instant(member, "joined_at") <= as_of
        and not has_passed(instant(member, "left_at"), as_of)
    }


def week_of(at: datetime) -> str:
    """Return the ISO week in UTC."""
    year, week, _ = at.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02}"


MONTHS = Periods(month_of)


def divisions_of(known: Knowledge, thing: Thing, as_of: datetime, periods: Periods = MONTHS) -> Iterator[Division]:
    """Yield where a thing counts."""
    happened_at = thing.happened_at
    period = None if happened_at is None else periods.name(happened_at)
    partner = known.find("partners", thing.partner_id) or {}
    asset = known.find("assets", thing.asset_id) or {}
    of_partner = [("all", "all")]
    of_partner += [(name, text(partner, name) or NONE) for name in ("region", "tier")]
    programs = programs_of(known, thing.partner_id, as_of) if partner and thing.partner_id is not None else set()
    of_partner += [("program", program) for program in programs or {NONE}]
    of_asset = [(name, text(asset, name) or NONE) for name in ("brand", "classification")]
    for dimension, value in (*of_partner, *of_asset):
        yield Division(dimension, value, "all")
        is_divided = periods.of_assets if (dimension, value) in of_asset else periods.of_partners or dimension == "all"
        if period is not None and is_divided:
            yield Division(dimension, value, period)


def divided(
    known: Knowledge, things: Iterable[Thing], as_of: datetime, periods: Periods = MONTHS
) -> dict[Division, list[Thing]]:
    """Put every thing wherever it counts; what is about everything is there even if there is nothing."""
    found: dict[Division, list[Thing]] = {Division("all", "all", "all"): []}
    for thing in things:
        for division in divisions_of(known, thing, as_of, periods):
            found.setdefault(division, []).append(thing)
    return found


def by_pair(things: list[Thing], kind: Kind = Kind.RATE) -> Value:
    """Let every thing weigh the same."""
    numerator = Fraction(sum(thing.numerator for thing in things))
    denominator = Fraction(sum(thing.denominator for thing in things))
    censored, excluded = sum(thing.censored for thing in things), sum(thing.excluded for thing in things)
    if kind is Kind.COUNT:
        return Value(numerator, None, numerator, censored, excluded)
    if kind is Kind.REPEATS:
        assets = Fraction(len({thing.asset_id for thing in things if thing.denominator}))
        numerator, denominator = denominator - assets, assets
    return Value(numerator, denominator, ratio(numerator, denominator), censored, excluded)


def own_of(known: Knowledge, things: list[Thing]) -> dict[str, list[Thing]]:
    """Return the things of each partner that we know."""
    own: dict[str, list[Thing]] = {}
    for thing in things:
        if thing.partner_id is not None and known.find("partners", thing.partner_id) is not None:
            own.setdefault(thing.partner_id, []).append(thing)
    return own


def by_partner(known: Knowledge, things: list[Thing], kind: Kind = Kind.RATE) -> Value:
    """Let every partner that we know weigh the same, whatever it has; nothing to count is no rate."""
    values = [by_pair(mine, kind) for mine in own_of(known, things).values()]
    rates = [value.value for value in values if value.value is not None and (value.value or kind is not Kind.COUNT)]
    total, count = sum(rates, Fraction(0)), Fraction(len(rates))
    censored, excluded = sum(value.censored for value in values), sum(value.excluded for value in values)
    return Value(total, count, ratio(total, count), censored, excluded)


def quantile(things: list[Thing], share: Fraction) -> Value:
    """Estimate after how long that share has come, every thing weighing the same."""
    waits = [thing.wait for thing in things if thing.wait is not None]
    return _quantile(things, [(wait, Fraction(1)) for wait in waits], share)


def quantile_by_partner(known: Knowledge, things: list[Thing], share: Fraction) -> Value:
    """Estimate it with all waits of a partner that we know weighing 1 together."""
    weighed, mine = [], []
    for own in own_of(known, things).values():
        waits = [thing.wait for thing in own if thing.wait is not None]
        weighed += [(wait, Fraction(1, len(waits))) for wait in waits]
        mine += own
    return _quantile(mine, weighed, share)


def _quantile(things: list[Thing], waits: list[tuple[Wait, Fraction]], share: Fraction) -> Value:
    reached = sum(wait.is_reached for wait, _ in waits)
    moment = kaplan_meier_weighed(waits, share)
    value = None if moment is None else Fraction(moment // timedelta(microseconds=1), 1_000_000)
    excluded = sum(thing.excluded for thing in things)
    return Value(Fraction(reached), Fraction(len(waits)), value, len(waits) - reached, excluded)


def kaplan_meier(waits: list[Wait], share: Fraction) -> timedelta | None:
    """Return the first instant by which that share has come; None where it is not known to have."""
    return kaplan_meier_weighed([(wait, Fraction(1)) for wait in waits], share)


def kaplan_meier_weighed(waits: list[tuple[Wait, Fraction]], share: Fraction) -> timedelta | None:
    """Return the same of waits that do not weigh the same."""
    surviving = Fraction(1)
    for moment in sorted({wait.lasted for wait, _ in waits if wait.is_reached}):
        at_risk = sum((weight for wait, weight in waits if wait.lasted >= moment), Fraction(0))
        reached = sum((weight for wait, weight in waits if wait.lasted == moment and wait.is_reached), Fraction(0))
        surviving *= 1 - reached / at_risk
        if surviving <= 1 - share:
            return moment
    return None
