"""Everything that can happen, by its name on the agenda."""

from collections.abc import Mapping

from sandbox import world
from sandbox.life import (
    access,
    answers,
    campaigns,
    changes,
    deliveries,
    drift,
    habits,
    hand,
    issues,
    notices,
    novelties,
    producer,
    requests,
    reviews,
    rights,
    upsets,
)
from sandbox.world import Handler

_ALL = (
    world, access, answers, campaigns, changes, deliveries, drift, habits, hand, issues, notices, novelties, producer,
    requests, reviews, rights, upsets,
)  # fmt: skip


def all_handlers() -> Mapping[str, Handler]:
    """Gather the handlers of all modules."""
    gathered: dict[str, Handler] = {}
    for module in _ALL:
        gathered |= module.HANDLERS
    return gathered
