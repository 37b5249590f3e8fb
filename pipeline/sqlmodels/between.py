"""Tables at another instant than the stored ones: computed for the keys with which something happened between the two.

Belongs here: which models can be answered so, and answering. Does not belong here: which models a question changes at
all (``pipeline.sqlmodels.asking``), how headers say what touches keys (``pipeline.sqlmodels.touching``).

Of a model that says at which instants rows begin or cease to count (``Changes at``), and whose rows bear no instant of
their own at which they change, a key with which nothing happened between two instants has the same rows at both,
whichever is the later. This is what its increments stand on, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pipeline.sqlmodels.graph import Graph
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import QUESTION, Connection, Question
from pipeline.sqlmodels.scope import Scope
from pipeline.sqlmodels.touching import Tables, binding, has_texts, reached_keys, same, scoped_view

# Smaller tables are made whole; and so are all of which more than such a share of their rows is touched.
LARGE_ROWS: Final = 200_000
MOST_SHARE: Final = 0.25


@dataclass
class Between:
    """What one question changes of the tables that answer another ``as_of``, with the same that was known.

    Answers are laid in the catalog ``asked``, over what is laid there; ``scope`` is a catalog for views under a model.
    """

    connection: Connection
    graph: Graph
    columns: Mapping[str, Sequence[str]]
    computed: frozenset[str]
    instants: tuple[datetime, datetime]
    question: Question
    _touched: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read which tables are large, and made by the texts that are there now."""
        made = self.connection.sql("select model, text_sha256, rows from warehouse.ops.models").fetchall()
        self._rows = {
            name: rows
            for name, text_sha256, rows in made
            if name in self.computed and self.graph.models[name].text_sha256 == text_sha256 and rows >= LARGE_ROWS
        }
        self.scope = Scope(self.connection, "scope", "asked", self._columns_of)
        self.connection.execute("create schema asked.between")

    def lay(self, model: Model) -> bool:
        """Let a model's name stand for what answers the question, if few keys are touched; say whether it does."""
        selects = self._touching(model) if self._is_told(model) else None
        if not selects:
            return False
        fresh = f"asked.between.{model.floor}__{model.table}"
        keys, touched = ", ".join(model.refresh.keys), f"{fresh}__keys"
        made = self.connection.execute(
            f"create table {touched} as select distinct {keys} from ({' union all '.join(selects)})"
        )
        if made.fetchall()[0][0] > self._rows[model.name] * MOST_SHARE:
            return False
        self._compute(model, fresh, touched)
        stored = f"select t.* from warehouse.{model.name} t anti join {touched} k on"
        self.connection.execute(
            f"create view asked.{model.name} as {stored} {same('t', 'k', model.refresh.keys)}"
            f" union all by name select * from {fresh}"
        )
        self._touched[model.name] = touched
        return True

    def _is_told(self, model: Model) -> bool:
        """Say whether what the clock changes of a model can be read from its header alone."""
        return (
            model.name in self._rows
            and bool(model.refresh.keys)
            and (bool(model.refresh.changes_at) or "as_of" not in model.parameters)
            and not model.refresh.only_adds
            and not model.refresh.number
            and QUESTION not in model.inputs
            and "next_change_at" not in self.columns[model.name]
        )

    def _touching(self, model: Model) -> list[str] | None:
        since, until = (f"timestamptz '{at.isoformat()}'" for at in sorted(self.instants))
        happened = [
            (name, f"(select * from asked.{name} where {column} > {since} and {column} <= {until})")
            for name, column in model.refresh.changes_at
        ]
        changed = [(name, self._touched.get(name, "")) for name in model.inputs if name in self.computed]
        if not all(self._bears_keys(model, name) for name, _ in happened + changed):
            return None
        if not all(self._is_touched_alike(model, name) for name, _ in changed):
            return None
        tables = self._tables("")
        keys = ", ".join(model.refresh.keys)
        selects: list[str] = []
        for name, rows in happened + changed:
            reached = reached_keys(model, name, rows, tables, is_new="false")
            if reached is None:
                return None
            selects += [f"select {keys} from ({select})" for select in reached]
        return selects

    def _bears_keys(self, model: Model, name: str) -> bool:
        return len(binding(model, name, self.columns.get(name, ()))) == len(model.refresh.keys)

    def _is_touched_alike(self, model: Model, name: str) -> bool:
        """Say whether an input was answered so, and its touched keys are keys of the model."""
        bound = binding(model, name, self.columns[name])
        return (
            name in self._touched
            and not has_texts(bound)
            and set(bound.values()) <= set(self.graph.models[name].refresh.keys)
        )

    def _compute(self, model: Model, fresh: str, touched: str) -> None:
        tables = self._tables(touched)
        for name in model.inputs:
            view = scoped_view(model, name, tables.full(name), tables, changes=None, has_old=True, are_few=True)
            self.scope.lay(name, view)
        self.scope.compute(
            model, self.question, fresh, f" semi join {touched} k on {same('f', 'k', model.refresh.keys)}"
        )

    def _tables(self, touched: str) -> Tables:
        return Tables("asked", self._columns_of, touched)

    def _columns_of(self, relation: str) -> tuple[str, ...]:
        return tuple(self.columns.get(relation, ()))
