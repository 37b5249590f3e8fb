"""Rates, counts and medians out of lists of things (docs/domain.md 11): the slow reference.

Here belong: dividing by dimension and period, both weightings, Kaplan and Meier. Not here: what the
things are (figures.py). It shares nothing with the SQL.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tests.reference.records import Knowledge, has_passed, instant, required_instant, text

NONE = "(none)"


@dataclass(frozen=True)
class Thing:
    """One thing that a figure is about, and what it is there."""

    partner_id: str | None
    asset_id: str | None
    happened_at: datetime | None
    numerator: bool = False
    denominator: bool = False
    censored: bool = False
    excluded: bool = False


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


def divisions_of(known: Knowledge, thing: Thing, as_of: datetime) -> Iterator[Division]:
    """Yield where a thing counts: in months for all and by partner, as a whole by asset too."""
    partner = known.find("partners", thing.partner_id) or {}
    asset = known.find("assets", thing.asset_id) or {}
    of_partner = [("all", "all")]
    of_partner += [(name, text(partner, name) or NONE) for name in ("region", "tier")]
    programs = programs_of(known, thing.partner_id, as_of) if partner and thing.partner_id is not None else set()
    of_partner += [("program", program) for program in programs or {NONE}]
    for dimension, value in of_partner:
        yield Division(dimension, value, "all")
        if thing.happened_at is not None:
            yield Division(dimension, value, month_of(thing.happened_at))
    for name in ("brand", "classification"):
        yield Division(name, text(asset, name) or NONE, "all")


def divided(known: Knowledge, things: Iterable[Thing], as_of: datetime) -> dict[Division, list[Thing]]:
    """Put every thing wherever it counts; what is about everything is there even if there is nothing."""
    found: dict[Division, list[Thing]] = {Division("all", "all", "all"): []}
    for thing in things:
        for division in divisions_of(known, thing, as_of):
            found.setdefault(division, []).append(thing)
    return found


def by_pair(things: list[Thing], *, is_count: bool = False) -> Value:
    """Let every thing weigh the same."""
    numerator = Fraction(sum(thing.numerator for thing in things))
    censored, excluded = sum(thing.censored for thing in things), sum(thing.excluded for thing in things)
    if is_count:
        return Value(numerator, None, numerator, censored, excluded)
    denominator = Fraction(sum(thing.denominator for thing in things))
    return Value(numerator, denominator, ratio(numerator, denominator), censored, excluded)


def by_partner(known: Knowledge, things: list[Thing], *, is_count: bool = False) -> Value:
    """Let every partner that we know weigh the same, whatever it has; nothing to count is no rate."""
    own: dict[str, list[Thing]] = {}
    for thing in things:
        if thing.partner_id is not None and known.find("partners", thing.partner_id) is not None:
            own.setdefault(thing.partner_id, []).append(thing)
    values = [by_pair(mine, is_count=is_count) for mine in own.values()]
    rates = [value.value for value in values if value.value is not None and (value.value or not is_count)]
    total, count = sum(rates, Fraction(0)), Fraction(len(rates))
    censored, excluded = sum(value.censored for value in values), sum(value.excluded for value in values)
    return Value(total, count, ratio(total, count), censored, excluded)


@dataclass(frozen=True)
class Wait:
    """How long something took, or was seen not to be there yet."""

    lasted: timedelta
    is_reached: bool


def kaplan_meier(waits: list[Wait], share: Fraction) -> timedelta | None:
    """Return the first instant by which that share has come; None where it is not known to have."""
    surviving = Fraction(1)
    for moment in sorted({wait.lasted for wait in waits if wait.is_reached}):
        at_risk = sum(wait.lasted >= moment for wait in waits)
        reached = sum(wait.lasted == moment and wait.is_reached for wait in waits)
        surviving *= Fraction(at_risk - reached, at_risk)
        if surviving <= 1 - share:
            return moment
    return None
