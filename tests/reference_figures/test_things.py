"""The reference's own arithmetic, on numbers that others have published or that fit on a hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from tests.reference.records import Knowledge
from tests.reference_figures.things import (
    Kind,
    Thing,
    Value,
    Wait,
    by_pair,
    by_partner,
    kaplan_meier,
    kaplan_meier_weighed,
    week_of,
)
from tests.reference_figures.working_time import Calendar

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


def test_waits_that_weigh_more_count_more() -> None:
    short, long = Wait(timedelta(days=1), is_reached=True), Wait(timedelta(days=9), is_reached=True)
    weighed = [(short, Fraction(1, 3)), (short, Fraction(1, 3)), (long, Fraction(1))]
    assert kaplan_meier([short, short, long], HALF) == timedelta(days=1)
    assert kaplan_meier_weighed(weighed, HALF) == timedelta(days=9)


def test_repeats_are_the_issues_beyond_the_first_of_each_asset() -> None:
    things = [Thing("p", asset_id, None, denominator=True) for asset_id in ("a", "a", "a", "b")]
    dismissed = Thing("p", "c", None, excluded=True)
    assert by_pair([*things, dismissed], Kind.REPEATS) == Value(Fraction(2), Fraction(2), Fraction(1), 0, 1)


def test_a_week_belongs_to_the_year_of_its_thursday() -> None:
    assert week_of(datetime(2027, 1, 1, 12, tzinfo=UTC)) == "2026-W53"


def test_working_time_leaves_out_nights_weekends_and_follows_the_clock() -> None:
    friday, monday = datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC)
    assert Calendar().worked(friday, monday) == timedelta(hours=5 + 3)
    # From Sunday on Berlin is two hours ahead: Friday 12:00Z is 13:00, Monday 12:00Z is 14:00.
    assert Calendar("Europe/Berlin").worked(friday, monday) == timedelta(hours=4 + 5)
    assert Calendar().worked(monday, friday) == timedelta(0)
