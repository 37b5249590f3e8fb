"""First tables that have no rows, made many at once: of a new home's tables most are empty, and few a turn's later.

Belongs here: which tables these are, the one transaction that they share. Does not belong here: reading that no rows
can come out (``pipeline.sqlmodels.emptiness``), tables with rows (``pipeline.sqlmodels.increments``).

Whether a SELECT gives no rows is known from its text and its inputs, so it is not run: it is asked for its columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.sqlmodels.emptiness import has_no_rows
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, Question
from pipeline.sqlmodels.runner import Columns, create_empty, described, parameters_of
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.versions import Record, Versions

FIRST: Final = "full: first"
_NO_TYPE: Final = '"NULL"'


@dataclass(frozen=True, slots=True)
class _Made:
    model: Model
    columns: Columns
    record: Record
    inputs: Mapping[str, str]


class EmptyTables:
    """The tables that were made and are not committed yet. Until ``settle`` nothing else may be written."""

    def __init__(self, connection: Connection, versions: Versions, sources: Sources) -> None:
        """Have made none."""
        self._connection = connection
        self._versions = versions
        self._sources = sources
        self._made: list[_Made] = []

    def make(self, model: Model, question: Question, turn_no: int, inputs: Mapping[str, str]) -> Record | None:
        """Make a model's first table, where it certainly has no rows; None where it may have some."""
        if not has_no_rows(model.emptiness, filter(self._sources.is_empty, model.inputs)):
            return None
        try:
            columns = described(self._connection, model, parameters_of(model, question))
        except BaseException:
            self._make_again()
            raise
        if any(kind == _NO_TYPE for _, kind in columns):
            return None
        made = _Made(model, columns, Record(turn_no, model.text_sha256, 0, 1, None, question.as_of, FIRST), inputs)
        if not self._made:
            self._connection.execute("begin transaction")
        self._made.append(made)
        self._create(made)
        self._versions.take(model.name, made.record, inputs)
        self._sources.note_columns(model.name, columns)
        return made.record

    def settle(self) -> None:
        """Commit what was made."""
        if self._made:
            self._versions.write({made.model.name: (made.record, made.inputs) for made in self._made})
            self._made = []
            self._connection.execute("commit")

    def _create(self, made: _Made) -> None:
        self._connection.execute(f"create schema if not exists {made.model.floor}")
        create_empty(self._connection, made.model.name, made.model, made.columns)

    def _make_again(self) -> None:
        """Commit what was made before something failed: with that its transaction is void."""
        if self._made:
            self._connection.execute("rollback")
            self._connection.execute("begin transaction")
            for made in self._made:
                self._create(made)
            self.settle()
