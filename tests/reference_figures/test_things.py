"""The reference's own arithmetic, on numbers that others have published or that fit on a hand."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Final

from tests.reference.records import Knowledge
from tests.reference_figures.things import Thing, Value, Wait, by_pair, by_partner, kaplan_meier

# Freireich and others, Blood 21 (1963): weeks of remission under 6-mercaptopurine, and under placebo.
MERCAPTOPURINE: Final = (
    *((6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False), (11, False)),
    *((13, True), (16, True), (17, False), (19, False), (20, False), (22, True), (23, True), (25, False), (32, False)),
    *((32, False), (34, False), (35, False)),
)
PLACEBO: Final = (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)
HALF: Final = Fraction(1, 2)


def test_the_median_remission_is_the_published_one() -> None:
    treated = [Wait(timedelta(weeks=weeks), is_reached=reached) for weeks, reached in MERCAPTOPURINE]
    untreated = [Wait(timedelta(weeks=weeks), is_reached=True) for weeks in PLACEBO]
    assert kaplan_meier(treated, HALF) == timedelta(weeks=23)
    assert kaplan_meier(untreated, HALF) == timedelta(weeks=8)
    assert kaplan_meier(treated, Fraction(9, 10)) is None


def test_what_nobody_has_reached_has_no_median() -> None:
    assert kaplan_meier([Wait(timedelta(days=4), is_reached=False)], HALF) is None
    assert kaplan_meier([], HALF) is None


def test_a_rate_without_a_denominator_is_no_rate() -> None:
    value = by_pair([Thing("p", "a", None, excluded=True)])
    assert value == Value(Fraction(0), Fraction(0), None, 0, 1)


def test_a_partner_of_whom_nothing_counts_has_no_weight() -> None:
    known = Knowledge([])
    assert by_partner(known, [Thing("p", "a", None, numerator=True, denominator=True)]).value is None
