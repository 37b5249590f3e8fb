"""Any way of getting there ends in the same tables: split, reordered, edited, and with a clock that moves."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.sqlmodels.living import Living
from tests.tables import open_tables

STEPS_OF_ONE: Final = 20
# The steps of a long run are taken in so many tests, that each core takes some of them.
PARTS: Final = 8
QUIET: Final = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
TAKEN: Final[Counter[str]] = Counter()
HOWS: Final[Counter[str]] = Counter()


class LivingNetwork(RuleBasedStateMachine):
    """Steps in any order; when they end, the tables that were kept up to date are held against new ones."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.tables = self.stack.enter_context(open_tables(folder))

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.living = Living(self.tables, seed)
        self.living.arrive(0.5)
        self.living.sync()

    @rule(share=st.sampled_from([0.05, 0.2, 0.5]))
    def arrive_and_sync(self, share: float) -> None:
        self.living.arrive(share)
        self.living.sync()

    @rule(choice=st.integers(0, 1000), times=st.integers(1, 2))
    def edit_and_sync(self, choice: int, times: int) -> None:
        for time in range(times):
            self.living.edit(choice + time)
            self.living.sync()

    @rule(choice=st.integers(0, 1000))
    def correct_and_sync(self, choice: int) -> None:
        self.living.edit(choice)
        self.living.sync()

    @rule(hours=st.sampled_from([1, 24, 24 * 9]), is_read=st.sampled_from([True, False, False]))
    def advance(self, hours: int, is_read: bool) -> None:
        self.living.advance(timedelta(hours=hours))
        if is_read:
            self.living.sync()

    def teardown(self) -> None:
        try:
            if hasattr(self, "living"):
                TAKEN.update(self.living.steps)
                HOWS.update(self.living.hows)
                assert self.living.differences() == []
        finally:
            self.stack.close()


def live(networks: int, part: int | None = None) -> None:
    """Live through so many networks, those of a part of a long run, and say how many steps that were."""
    TAKEN.clear()
    machine = type(LivingNetwork.__name__, (LivingNetwork,), {})
    run_state_machine_as_test(
        machine if part is None else seed(part)(machine),
        settings=settings(
            max_examples=networks,
            stateful_step_count=STEPS_OF_ONE,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=QUIET,
        ),
    )
    print(f"{TAKEN.total()} steps: {dict(TAKEN)}")


@pytest.mark.timeout(1200)
def test_increments_end_in_the_tables_that_a_full_refresh_makes() -> None:
    live(8)
    assert TAKEN.total() >= 300
    assert TAKEN["syncs that bring changes"] * 3 >= TAKEN.total()


@pytest.mark.chaos
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_they_do_over_very_many_steps(part: int) -> None:
    wanted = 50 * int(os.environ.get("VIPGRID_CHAOS_STEPS", "400")) // PARTS
    live(wanted // STEPS_OF_ONE + 1, part)
    assert TAKEN.total() >= wanted
    assert TAKEN["syncs that bring changes"] * 3 >= TAKEN.total()
