"""Two tellings of the same rules, held against each other on random networks.

Belongs here: failing on the smallest network that shows a difference, and doing so over very many. Does not belong
here: what is compared (the tests), cutting a network down (``smallest``).
"""

import os
from collections.abc import Callable
from random import Random

from tests.reference.networks import Network, Size, random_network
from tests.reference.smallest import smallest


def hold(network: Network, differences: Callable[[Network], list[str]]) -> None:
    """Fail, on the smallest network that shows it, where two tellings of the same rules part."""
    if differences(network):
        least = smallest(network, lambda candidate: bool(differences(candidate)))
        message = f"{differences(least)[:3]} on {least}"
        raise AssertionError(message)


def hold_on_very_many(differences: Callable[[Network], list[str]], first_seed: int, what: str) -> None:
    """Hold as many random networks as `make chaos` asks for, a quarter of them larger, and say how many these were."""
    steps = int(os.environ.get("VIPGRID_CHAOS_STEPS", "400"))
    for seed in range(steps):
        size: Size = "medium" if seed % 4 == 0 else "small"
        hold(random_network(Random(first_seed + seed), size=size), differences)
    print(f"{steps} random networks have the reference's {what}")
