"""All models together: names, order, what lies to the right and left of one.

Belongs here: loading ``sql/`` and ordering it. Does not belong here: anything about one file's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigurationError
from pipeline.sqlmodels.model import FLOORS, Model, read_model
from pipeline.sqlmodels.relations import GIVEN_FLOORS, GIVEN_RELATIONS

CHECKS: Final = "checks"
SQL_FOLDER: Final = Path(__file__).parent.parent.parent / "sql"

# Steps that are no SQL: they append to the journal what a table says, and are done when it is durable.
LEDGER_STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "ledger.findings": ("audit.conditions",),
    "ledger.actions": (
        "sync.notice_candidates",
        "sync.notice_facts",
        "sync.desired_actions",
        "core.notices",
        "core.partners",
    ),
}


@dataclass(frozen=True, slots=True)
class Graph:
    """The models by name, ``order`` being one in which every input comes first (ledger steps included).

    ``checks`` are no tables: each returns the bad rows, none where all is well.
    """

    models: Mapping[str, Model]
    order: tuple[str, ...]
    checks: Mapping[str, Model]

    def left_of(self, targets: Iterable[str], *, stop_at: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return the models that the targets need, themselves included, in order; not past ``stop_at``."""
        needed: set[str] = set()
        waiting = list(targets)
        while waiting:
            name = waiting.pop()
            if name in needed or name in stop_at or name not in self.models:
                continue
            needed.add(name)
            waiting.extend(self.models[name].inputs)
        return tuple(name for name in self.order if name in needed)

    def right_of(self, sources: Iterable[str]) -> tuple[str, ...]:
        """Return the models that read any of the sources, however far, in order; without the sources."""
        reached = set(sources)
        found = []
        for name in self.order:
            parents = LEDGER_STEPS.get(name) or (*self.models[name].inputs, *self.models[name].after)
            if reached.intersection(parents) and name not in reached:
                reached.add(name)
                found.append(name)
        return tuple(found)


@cache
def load_graph(folder: Path = SQL_FOLDER) -> Graph:
    """Read every model and order them; a process reads a folder once.

    Raises:
        ConfigurationError: a model is refused, an input does not exist, or models read each other in a circle.

    """
    every = {
        model.name: model
        for floor in FLOORS
        for model in (read_model(path) for path in sorted((folder / floor).glob("*.sql")))
    }
    models = {name: model for name, model in every.items() if model.floor != CHECKS}
    checks = {name: model for name, model in every.items() if model.floor == CHECKS}
    for check in checks.values():
        tuple(_needed(check, models))
    edges: dict[str, tuple[str, ...]] = {}
    for model in models.values():
        edges[model.name] = tuple(_needed(model, models))
    for step, inputs in LEDGER_STEPS.items():
        edges[step] = tuple(name for name in inputs if name in models)
    try:
        order = tuple(name for name in TopologicalSorter(edges).static_order() if name in edges)
    except CycleError as error:
        message = f"The models read each other in a circle: {' <- '.join(error.args[1])}."
        raise ConfigurationError(message) from error
    return Graph(models, order, checks)


def _needed(model: Model, models: Mapping[str, Model]) -> Iterable[str]:
    for name in (*model.inputs, *model.after):
        if name in models or name in LEDGER_STEPS:
            yield name
        elif name.partition(".")[0] not in GIVEN_FLOORS and name not in GIVEN_RELATIONS:
            message = f"The model {model.floor}/{model.table}.sql reads {name}, which does not exist."
            raise ConfigurationError(message)
