"""The catalog in which a model's SELECT is computed over less than its inputs have.

Belongs here: letting the names of inputs stand for views, and computing a model's text over them. Does not belong here:
what the views say (``pipeline.sqlmodels.touching``), what is done with the rows (``increments``, ``between``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, Question
from pipeline.sqlmodels.runner import parameters_of


@dataclass
class Scope:
    """The catalog ``name``, on a connection that else uses the catalog ``home``.

    ``columns_of`` gives what a view over a relation is bound to: it stays where that and its SELECT are the same.
    """

    connection: Connection
    name: str
    home: str
    columns_of: Callable[[str], Hashable]
    _schemas: set[str] = field(default_factory=set)
    _laid: dict[str, tuple[str, Hashable]] = field(default_factory=dict)

    def make_schema(self, schema: str) -> None:
        """Let a schema be there."""
        if schema not in self._schemas:
            self.connection.execute(f"create schema if not exists {self.name}.{schema}")
            self._schemas.add(schema)

    def lay(self, relation: str, select: str) -> None:
        """Let a relation's name stand for the rows of a SELECT."""
        laid = (select, self.columns_of(relation))
        if self._laid.get(relation) == laid:
            return
        self.make_schema(relation.partition(".")[0])
        self.connection.execute(f"create or replace view {self.name}.{relation} as {select}")
        self._laid[relation] = laid

    def compute(self, model: Model, question: Question, into: str, narrowed: str = "") -> None:
        """Make the table ``into`` of the model's rows over what is laid; ``narrowed`` is joined to them (``f``)."""
        self.connection.execute(f"use {self.name}")
        try:
            self.connection.execute(
                f"create or replace table {into} as select f.* from (\n{model.text}\n) f{narrowed}",
                parameters_of(model, question),
            )
        finally:
            self.connection.execute(f"use {self.home}")
