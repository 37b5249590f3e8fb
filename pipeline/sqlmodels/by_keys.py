"""The keys of a model that a turn touches: found, and its inputs laid so that only their rows are read.

Belongs here: from changed inputs and passed instants to the table of touched keys, the views over inputs, and where the
model's own rows of these keys are. Does not belong here: the texts (``touching``), which rows are at hand (``taken``),
computing and writing (``increments``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.scope import Scope
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.taken import MOST_KEYS, Taken
from pipeline.sqlmodels.touching import (
    Tables,
    binding,
    due_keys,
    has_texts,
    is_read_from_changes,
    reached_keys,
    same,
    scoped_view,
    within,
)


@dataclass(frozen=True, slots=True)
class Touched:
    """How many keys are touched, and whether some of them are not new: the model may have rows for these.

    ``is_followed``: the table was large before anything was written, so that what is found in it is kept at hand.
    """

    count: int
    has_old: bool = False
    is_followed: bool = False


@dataclass
class ByKeys:
    """Touched keys of one model after the other, in ``tables.touched`` with ``is_new``."""

    scope: Scope
    sources: Sources
    tables: Tables
    taken: Taken
    models: Mapping[str, Model]

    def touch(self, model: Model, moving: Sequence[str], clock: tuple[datetime, datetime] | None) -> Touched | None:
        """Find the keys that changed rows of these inputs touch, and the clock; None = everything is touched."""
        selects = self._touching(model, moving, clock)
        if selects is None:
            return None
        keys = ", ".join(model.refresh.keys)
        changes = {name: str(self.sources.changes(model, name)) for name in moving}
        made = self.scope.connection.execute(
            f"create or replace table {self.tables.touched} as select {keys}, bool_or(is_new) as is_new"
            f" from ({' union all '.join(f'({select})' for select in selects)}) t{within(model, self.tables, changes)}"
            f" group by {keys}"
        )
        count = int(made.fetchall()[0][0])
        if count == 0:
            return Touched(0)
        if model.refresh.only_adds:
            self._look_which_are_there(model)
        old = self.scope.connection.execute(f"select 1 from {self.tables.touched} where not is_new limit 1").fetchall()
        return Touched(count, has_old=bool(old), is_followed=bool(old) and self.taken.is_worth_it(model.name, count))

    def lay(self, model: Model, moving: Sequence[str], touched: Touched) -> None:
        """Let the model's inputs have only rows of the touched keys."""
        for name in model.inputs:
            changes = self.sources.added(model, name) if name in moving else None
            source = self._source(model, name, touched, changes=changes)
            few = touched.count <= MOST_KEYS
            view = scoped_view(model, name, source, self.tables, changes=changes, has_old=touched.has_old, are_few=few)
            self.scope.lay(name, view)

    def old(self, model: Model, moving: Sequence[str], touched: Touched) -> str | None:
        """Return the SELECT of the model's own rows of touched keys and their ``old_place``, or None: it has none."""
        if not touched.has_old:
            return None
        sought = self._sought(model, moving) if touched.is_followed else None
        source = self.taken.with_places(self.tables.full(model.name), model.refresh.keys, sought)
        on_keys = same("t", "k", model.refresh.keys)
        return f"select t.* from {source} t semi join {self.tables.touched} k on {on_keys} and not k.is_new"

    def _look_which_are_there(self, model: Model) -> None:
        """Call those keys new for which a table that only adds has no row."""
        touched, names = self.tables.touched, model.refresh.keys
        keys = ", ".join(names)
        here = (
            f"select distinct {keys}, true as is_here from {self.tables.full(model.name)} t"
            f" semi join {touched} k on {same('t', 'k', names)}"
        )
        self.scope.connection.execute(
            f"create or replace table {touched} as select k.* replace (h.is_here is null as is_new)"
            f" from {touched} k left join ({here}) h on {same('k', 'h', names)}"
        )

    def _touching(
        self, model: Model, moving: Sequence[str], clock: tuple[datetime, datetime] | None
    ) -> list[str] | None:
        rows = {name: (str(self.sources.changes(model, name)), self._is_new(model, name)) for name in moving}
        reached = [reached_keys(model, name, said, self.tables, is_new=is_new) for name, (said, is_new) in rows.items()]
        selects: list[str] = []
        if clock is not None:
            since, until = (f"timestamptz '{at.isoformat()}'" for at in clock)
            for name, column in model.refresh.changes_at:
                passed = f"(select * from {self.tables.full(name)} where {column} > {since} and {column} <= {until})"
                reached.append(reached_keys(model, name, passed, self.tables, is_new="false"))
            if "next_change_at" in self.sources.columns_of(model.name):
                selects.append(due_keys(model, self.tables, until))
        for found in reached:
            if found is None:
                return None
            selects += found
        keys = ", ".join(f"null as {key}" for key in model.refresh.keys)
        return selects or [f"select {keys}, false as is_new limit 0"]

    def _is_new(self, model: Model, name: str) -> str:
        """Return what says in an input's changes that a key is new: nothing does unless both have the same keys."""
        bound = binding(model, name, self.sources.columns_of(name))
        is_only_one = len(model.refresh.spine) == 1 or has_texts(bound)
        places = {place for place in bound.values() if not place.startswith("'")}
        source = self.models.get(name)
        has_same_keys = source is not None and places == set(source.refresh.keys)
        return "r.is_new" if name in model.refresh.spine and is_only_one and has_same_keys else "false"

    def _source(self, model: Model, name: str, touched: Touched, *, changes: str | None) -> str:
        """Return where an input's rows of the touched keys are read: in it, or in what was taken out of it."""
        bound = binding(model, name, self.sources.columns_of(name))
        is_by_rows = len(bound) == len(model.refresh.keys) and not has_texts(bound)
        old_only = is_read_from_changes(model, name, changes, bound)
        is_sought = is_by_rows and self.taken.is_worth_it(name, touched.count) and (touched.has_old or not old_only)
        if not is_sought:
            return self.tables.full(name)
        keys = f"select * from {self.tables.touched}" + (" where not is_new" if old_only else "")
        return self.taken.rows(name, bound, keys) or self.tables.full(name)

    def _sought(self, model: Model, moving: Sequence[str]) -> Iterator[str]:
        """Return SELECTs of its touched keys, and of those of changed records: what touches keys begins with these."""
        keys = model.refresh.keys
        for name in moving:
            changed = self.sources.changed(model, name) if name.startswith("core.") else None
            if changed and binding(model, name, self.sources.columns_of(name)) == {key: key for key in keys}:
                yield f"select {', '.join(keys)} from {changed}"
        yield f"select {', '.join(keys)} from {self.tables.touched}"
