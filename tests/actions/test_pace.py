"""Rate, backoff and breaker, each fed with time from outside."""

from __future__ import annotations

import random

from pipeline.actions.pace import LONGEST_BACKOFF_SECONDS, Breaker, backoff_seconds
from tests.actions.remote import FakeWaiter


def test_backoff_is_full_jitter_below_a_ceiling_that_doubles() -> None:
    dice = random.Random(1)
    for failures in range(40):
        waits = [backoff_seconds(failures, None, dice) for _ in range(200)]
        ceiling = min(LONGEST_BACKOFF_SECONDS, 2.0 * 2**failures)
        assert 0 <= min(waits) < ceiling * 0.1
        assert ceiling * 0.9 < max(waits) <= ceiling


def test_a_target_that_names_a_time_gets_at_least_that_time_and_at_most_a_day() -> None:
    dice = random.Random(1)

    assert backoff_seconds(1, 30, dice) >= 30
    assert 0 <= backoff_seconds(1, -30, dice) <= 2
    assert backoff_seconds(1, 1e12, dice) <= 86_402


def test_a_breaker_opens_after_failures_in_a_row_rests_and_closes_at_the_first_success() -> None:
    waiter = FakeWaiter()
    breaker = Breaker(3, 5.0, waiter.elapsed_seconds)
    for _ in range(2):
        breaker.note(is_failure=True)
    assert not breaker.is_open

    breaker.note(is_failure=True)
    assert (breaker.is_open, breaker.rests_for_seconds) == (True, 5.0)
    waiter.wait(5)
    assert (breaker.is_open, breaker.rests_for_seconds) == (True, 0.0)
    breaker.note(is_failure=False)
    assert not breaker.is_open
