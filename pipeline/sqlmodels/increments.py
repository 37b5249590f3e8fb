"""Bringing tables up to date at the cost of what changed.

Belongs here: for one model, what has to be computed (nothing, touched keys, everything), computing it in the scope
catalog, and applying the difference in one transaction. Does not belong here: which keys (``touching``), which
versions (``versions``), the rules (``sql/``).

The SELECT never knows its scope: its inputs' names stand for views over the warehouse that bear only touched keys. The
rows that it gives are compared with those that are there; what differs is written, and kept in ``changes.<table>``
for the models to the right, which are left alone where nothing differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from pipeline.ingest.landed import LandedChunk
from pipeline.sqlmodels.arriving import MOSTLY_NEW, is_mostly_new, landed_ahead
from pipeline.sqlmodels.by_keys import ByKeys
from pipeline.sqlmodels.empty_tables import FIRST, EmptyTables
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.reasons import FEW_ROWS, HAS_FEW_ROWS, asks_when, has_few_rows, stays_empty, why_whole
from pipeline.sqlmodels.relations import Connection, Landing, Question
from pipeline.sqlmodels.runner import Result, check_grain, create_table, grain_rows, parameters_of, transaction
from pipeline.sqlmodels.scope import Scope
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.summing import counted, counted_rows, signed, summed, summed_before, touched_grains
from pipeline.sqlmodels.taken import Taken
from pipeline.sqlmodels.touching import Tables, same
from pipeline.sqlmodels.typed_ahead import arriving_table
from pipeline.sqlmodels.versions import Record, Versions
from pipeline.sqlmodels.writing import changes_of, write_difference

UNCHANGED: Final = "unchanged"
NEW_TEXT: Final = "full: its text changed"
NEW_READING: Final = "full: landing is read otherwise"
COMPARED_ROWS: Final = 1_000_000
# A table of so many rows is first asked whether it is the same, which mostly it is; a larger one mostly is not.
LOOKED_AT_FIRST_ROWS: Final = 10_000


@dataclass
class Increments:
    """One turn's computing in one process.

    ``gathers_empty``: first tables without rows wait for being committed together; then whoever has the connection as
    well calls ``settle`` before using it. ``few_rows``: models that read fewer are computed whole.
    """

    connection: Connection
    question: Question
    turn_no: int
    landing: Landing | None = None
    models: Mapping[str, Model] = field(default_factory=dict)
    replay: Callable[[Increments, Model], str | None] | None = None
    arrived: Callable[[Model, Sequence[LandedChunk]], str | None] | None = None
    scope_name: str = "scope"
    gathers_empty: bool = False
    few_rows: int = FEW_ROWS

    def __post_init__(self) -> None:
        """Read what was computed before, and prepare the scope catalog."""
        self.catalog = str(self.connection.sql("select current_catalog()").fetchall()[0][0])
        self.versions = Versions(self.connection)
        self.sources = Sources(self.connection, self.catalog, self.scope_name, self.versions, self.landing)
        self.scope = Scope(self.connection, self.scope_name, self.catalog, self.sources.bound_columns_of)
        self.tables = Tables(self.catalog, self.sources.columns_of, f"{self.scope_name}.touched.keys")
        self.taken = Taken(self.connection, self.versions, self.scope_name)
        self.by_keys = ByKeys(self.scope, self.sources, self.tables, self.taken, self.models)
        self.empty = EmptyTables(self.connection, self.versions, self.sources)
        self.fresh = f"{self.scope_name}.fresh.rows"
        for schema in ("fresh", "touched"):
            self.scope.make_schema(schema)
        self.connection.execute(f"create schema if not exists {self.catalog}.changes")

    def flush(self) -> None:
        """Write what is noted but not yet written."""
        self.empty.settle()
        self.versions.flush()

    def settle(self) -> None:
        """Commit what waits for being committed with more: from then on anything may be written."""
        self.empty.settle()

    def drop_read_changes(self) -> None:
        """Drop the changes that every model which reads them has read: after a complete turn, nearly all."""
        read = [
            name
            for name, record in self.versions.records.items()
            if record.changed_from is not None
            and all(
                self.versions.consumed.get(reader.name, {}).get(name) == str(record.version)
                for reader in self.models.values()
                if name in reader.inputs
            )
        ]
        with self._transaction():
            for name in read:
                self.connection.execute(f"drop table if exists {changes_of(name)}")
            self.versions.forget_changes(read)

    def refresh(self, model: Model) -> Result:
        """Bring a model's table up to date; its inputs are.

        Raises:
            GrainError: the grain would not hold; the table stays as it was.

        """
        record = self.versions.records.get(model.name)
        inputs = {name: self.sources.version(name) for name in model.inputs}
        if record is None and self.gathers_empty and not model.refresh.is_replayed:
            made = self.empty.make(model, self.question, self.turn_no, inputs)
            if made is not None:
                return self._result(model, made)
        self.settle()
        if record is None or record.text_sha256 != model.text_sha256:
            return self._by_new_text(model, record, inputs)
        if any(self.sources.is_read_otherwise(model, name) for name in model.inputs):
            return self._whole(model, record, inputs, NEW_READING)
        changed: tuple[str, ...] = ()
        has_moved = False
        if not stays_empty(model, record, self.versions.records):
            changed = tuple(name for name in model.inputs if self.sources.is_changed(model, name))
            has_moved = record.as_of != self.question.as_of and asks_when(model)
        if not changed and not has_moved:
            return replace(self._keep(model, inputs), how=UNCHANGED)
        clock = (record.as_of, self.question.as_of) if has_moved else None
        is_bulk = is_mostly_new(model, record, self.versions, self.landing)
        reason = MOSTLY_NEW if is_bulk else why_whole(model, changed, self.sources, clock)
        if reason is None and has_few_rows(model, self.versions.records, self.few_rows):
            reason = HAS_FEW_ROWS
        if reason is not None:
            return self._whole(model, record, inputs, reason)
        moving = tuple(name for name in changed if name not in model.refresh.unmoved_by)
        return self._partly(model, record, inputs, moving, has_moved=has_moved)

    def _partly(
        self, model: Model, record: Record, inputs: Mapping[str, str], moving: Sequence[str], *, has_moved: bool
    ) -> Result:
        if model.refresh.sums_of:
            return self._sum(model, record, inputs)
        if not model.refresh.keys:
            return self._append(model, record, inputs, () if has_moved else moving)
        return self._by_keys(model, record, inputs, moving, has_moved=has_moved)

    def replace(self, model: Model) -> Result:
        """Make a model's table anew; models to its right are then computed whole.

        Raises:
            GrainError: the grain would not hold; the table stays as it was.

        """
        inputs = {name: self.sources.version(name) for name in model.inputs}
        return self._replace(model, self.versions.records.get(model.name), inputs, "full")

    # Ways to compute it

    def _replace(
        self, model: Model, record: Record | None, inputs: Mapping[str, str], how: str, *, arrived: str | None = None
    ) -> Result:
        """Make the table anew; what changed is not known to the models at its right."""
        replayed = self.replay(self, model) if self.replay and model.refresh.is_replayed else None
        is_empty = False
        with self._transaction():
            self.connection.execute(f"create schema if not exists {model.floor}")
            if arrived:
                self.connection.execute(f"drop table if exists {model.name}")
                self.connection.execute(f"alter table {arrived} rename to {model.table}")
            elif replayed:
                self.connection.execute(f"create or replace table {model.name} as select * from {replayed}")
            else:
                is_empty = create_table(self.connection, model, self.question) == 0
            rows = 0 if is_empty else check_grain(self.connection, model)
            version = record.version + 1 if record else 1
            made = Record(self.turn_no, model.text_sha256, rows, version, None, self.question.as_of, how)
            self.versions.note(model.name, made, inputs)
        self.sources.forget_columns(model.name)
        return self._result(model, made)

    def _by_new_text(self, model: Model, record: Record | None, inputs: Mapping[str, str]) -> Result:
        if record is None:
            return self._replace(model, record, inputs, FIRST, arrived=self._arrived(model))
        # Running numbers, and how things looked then, are made anew as a rebuild makes them.
        is_kept = model.refresh.number or model.refresh.is_replayed
        return (self._replace if is_kept else self._whole)(model, record, inputs, NEW_TEXT)

    def _arrived(self, model: Model) -> str | None:
        """Return the table that has the rows of a model's first table already, if there is one."""
        if model.floor != "staging":
            return None
        arrived = self.arrived(model, landed_ahead(model, self.versions, self.landing)) if self.arrived else None
        if arrived is None:
            # A process that died before such a table had its name may have left one.
            self.connection.execute(f"drop table if exists {arriving_table(model)}")
        return arrived

    def _whole(self, model: Model, record: Record, inputs: Mapping[str, str], how: str) -> Result:
        """Compute everything; a table that is not too large is compared, so that what is right of it can be skipped."""
        way = self._replace if record.rows > COMPARED_ROWS or how == MOSTLY_NEW else self._compare
        return way(model, record, inputs, how)

    def _compare(self, model: Model, record: Record, inputs: Mapping[str, str], how: str) -> Result:
        """Compute everything, and write what differs."""
        made = self.connection.execute(
            f"create or replace table {self.fresh} as\n{model.text}", parameters_of(model, self.question)
        )
        rows = int(made.fetchall()[0][0])
        self.sources.forget_columns(self.fresh)
        has_same_columns = self.sources.columns_of(self.fresh) == self.sources.columns_of(model.name)
        is_other_rule = how in {NEW_TEXT, NEW_READING}
        is_looked_at = record.rows <= LOOKED_AT_FIRST_ROWS or is_other_rule
        if has_same_columns and is_looked_at and rows == record.rows and self._is_same(model, rows):
            return self._keep(model, inputs)
        # Rows of another rule are no news that could be appended: what is right of it is computed whole, too.
        if is_other_rule or not has_same_columns:
            return self._replace(model, record, inputs, how)
        old = f"select t.rowid as old_place, t.* from {self.tables.full(model.name)} t"
        return self._apply(model, record, inputs, old, how)

    def _append(self, model: Model, record: Record, inputs: Mapping[str, str], moving: Sequence[str]) -> Result:
        """Compute what arrived, and add what is not there."""
        for name in model.inputs:
            changes = self.sources.added(model, name) if name in moving else None
            self.scope.lay(name, f"select * from {changes or self.tables.full(name)}")
        self._compute(model)
        keys = same("t", "f", model.grain)
        table = self.tables.full(model.name)
        old = f"select t.rowid as old_place, t.* from {table} t semi join {self.fresh} f on {keys}"
        has_landed = any(name.startswith("landing.") for name in moving)
        return self._apply(model, record, inputs, None if has_landed else old, "appended", only_adds=True)

    def _sum(self, model: Model, record: Record, inputs: Mapping[str, str]) -> Result:
        """Count what changed alone, and add it to the counts that are there."""
        counts = counted(model, self.sources.columns_of(model.name))
        parts = []
        clock = (record.as_of, self.question.as_of)
        for sign in ("+", "-"):
            for name in model.inputs:
                is_counted = name in model.refresh.sums_of
                rows = counted_rows(self.sources, self.tables, model, name, sign, clock) if is_counted else None
                self.scope.lay(name, rows or f"select * from {self.tables.full(name)}")
            self._compute(model)
            part = f"{self.scope.name}.fresh.{'added' if sign == '+' else 'taken'}"
            self.connection.execute(f"create or replace table {part} as select * from {self.fresh}")
            parts.append(signed(part, counts, sign))
        self.connection.execute(f"create or replace table {self.tables.touched} as {touched_grains(model, parts)}")
        self.connection.execute(f"create or replace table {self.fresh} as {summed(model, self.tables, counts, parts)}")
        return self._apply(model, record, inputs, summed_before(model, self.tables), "sums")

    def _by_keys(
        self, model: Model, record: Record, inputs: Mapping[str, str], moving: Sequence[str], *, has_moved: bool
    ) -> Result:
        """Compute the touched keys, and write what differs."""
        touched = self.by_keys.touch(model, moving, (record.as_of, self.question.as_of) if has_moved else None)
        if touched is None:
            return self._whole(model, record, inputs, "full: something without keys changed")
        if touched.count == 0:
            return self._keep(model, inputs)
        self.by_keys.lay(model, moving, touched)
        self._compute(model, f" semi join {self.tables.touched} k on {same('f', 'k', model.refresh.keys)}")
        old = self.by_keys.old(model, moving, touched)
        how = f"{touched.count} keys"
        result = self._apply(model, record, inputs, old, how, only_adds=model.refresh.only_adds)
        if touched.is_followed:
            self.taken.follow(model.name, model.refresh.keys)
        return result

    def _compute(self, model: Model, narrowed: str = "") -> None:
        self.scope.compute(model, self.question, self.fresh, narrowed)
        self.sources.forget_columns(self.fresh)

    # Writing it

    def _apply(
        self,
        model: Model,
        record: Record,
        inputs: Mapping[str, str],
        old: str | None,
        how: str,
        *,
        only_adds: bool = False,
    ) -> Result:
        """Write the difference between the fresh rows and the old ones, if there are any, and note it."""
        grain_rows(self.connection, self.fresh, model)
        columns = self.sources.columns_of(model.name)
        with self._transaction():
            added, removed = write_difference(self.connection, model, self.fresh, old, columns, only_adds=only_adds)
            if added or removed:
                rows = record.rows + added - removed
                version = record.version
                record = Record(self.turn_no, model.text_sha256, rows, version + 1, version, self.question.as_of, how)
                self.versions.note(model.name, record, inputs)
                return self._result(model, record)
        return self._keep(model, inputs)

    def _is_same(self, model: Model, rows: int) -> bool:
        """Say whether the fresh rows are those that are there, of which there are as many."""
        table = self.tables.full(model.name)
        differing = f"select 1 from (select * from {self.fresh} except all select * from {table}) limit 1"
        return rows == 0 or not self.connection.execute(differing).fetchall()

    def _keep(self, model: Model, inputs: Mapping[str, str]) -> Result:
        """Note that a table is as it has to be, made from these versions of its inputs."""
        record = self.versions.records[model.name]
        if record.text_sha256 != model.text_sha256:
            with self._transaction():
                self.versions.note(model.name, replace(record, text_sha256=model.text_sha256), inputs)
        return self._result(model, self.versions.move_on(model.name, self.turn_no, self.question.as_of, inputs))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all or nothing; where it fails, what was noted in memory is read again."""
        self.settle()
        try:
            with transaction(self.connection):
                yield
        except BaseException:
            self.versions.forget()
            raise

    def _result(self, model: Model, record: Record) -> Result:
        return Result(model.name, record.rows, self.sources.typed_columns_of(model.name), record.how)


def run_model(connection: Connection, model: Model, question: Question, turn_no: int) -> Result:
    """Make one model's table anew from its inputs, whatever was there.

    Raises:
        GrainError: the grain does not hold; the old table stays.

    """
    return Increments(connection, question, turn_no).replace(model)
