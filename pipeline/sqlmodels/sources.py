"""What a model reads, as an increment sees it: its version, its columns, and what changed since it was read.

Belongs here: looking these up, for tables, landing, ledger and configuration alike. Does not belong here: what follows
from a change (``pipeline.sqlmodels.touching``, ``pipeline.sqlmodels.increments``), noting versions (``versions``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pipeline.sqlmodels.journalled import appended_since, ledger_version
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection, Landing
from pipeline.sqlmodels.runner import Columns
from pipeline.sqlmodels.versions import Versions, content_version
from pipeline.sqlmodels.writing import changes_of

LEDGER: Final = "ledger.entries"


@dataclass
class Sources:
    """The relations that models read, in one catalog; ``landing`` None = what arrived since is not known."""

    connection: Connection
    catalog: str
    scope: str
    versions: Versions
    landing: Landing | None
    _given: dict[str, str] = field(default_factory=dict)
    _columns: dict[str, Columns] = field(default_factory=dict)
    _counted: dict[tuple[str, str], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the columns of all tables at once: asking for each costs more than most of what is then computed."""
        columns = self.connection.execute(
            "select schema_name || '.' || table_name, list((column_name, data_type) order by column_index)"
            " from duckdb_columns() where database_name = ? group by 1",
            [self.catalog],
        ).fetchall()
        self._columns.update({name: tuple(listed) for name, listed in columns})

    def version(self, name: str) -> str:
        """Return the version of a relation as it is."""
        record = self.versions.records.get(name)
        if record is not None:
            return str(record.version)
        floor, _, table = name.partition(".")
        if floor == "landing":
            return self.landing.version(table) if self.landing is not None else "not known"
        if name not in self._given:
            self._given[name] = self._given_version(name)
        return self._given[name]

    def is_changed(self, model: Model, name: str) -> bool:
        """Say whether rows that the model reads are others than those that it was made from, or may be."""
        is_unknown = name.startswith("landing.") and self.landing is None
        if not is_unknown and self._consumed(model, name) == self.version(name):
            return False
        return name not in model.counted or self._has_counted(model, name)

    def is_read_otherwise(self, model: Model, name: str) -> bool:
        """Say whether what a model read of landing before is read in another way now."""
        floor, _, table = name.partition(".")
        if floor != "landing" or self.landing is None:
            return False
        return self.landing.read_before(table, self._consumed(model, name)) is None

    def changes(self, model: Model, name: str) -> str | None:
        """Return the relation of an input's changed rows since the model read it; None where these are not known."""
        floor, _, table = name.partition(".")
        if floor == "landing":
            return self._landed(table, self._consumed(model, name))
        changed = self._appended(self._consumed(model, name)) if name == LEDGER else self.changed(model, name)
        if changed is None:
            return None
        return f"(select * from {changed} where {model.counted[name]})" if name in model.counted else changed

    def changed(self, model: Model, name: str) -> str | None:
        """Return the table of the rows of a model's table that changed since another read it, read by it or not."""
        consumed = self._consumed(model, name)
        record = self.versions.records.get(name)
        if record is None or record.changed_from is None or str(record.changed_from) != consumed:
            return None
        return f"{self.catalog}.{changes_of(name)}"

    def _appended(self, consumed: str | None) -> str | None:
        since = appended_since(consumed, self.version(LEDGER))
        if since is None:
            return None
        return f"(select '+' as change, true as is_new, * from {self.catalog}.{LEDGER} where seq >= {since})"

    def _has_counted(self, model: Model, name: str) -> bool:
        """Say whether rows changed that the model reads, or whether that is not known."""
        changes = None if name.startswith("landing.") else self.changes(model, name)
        if changes is None:
            return True
        asked = (changes, self.version(name))
        if asked not in self._counted:
            found = self.connection.execute(f"select 1 from {changes} limit 1").fetchall()
            self._counted[asked] = bool(found)
        return self._counted[asked]

    def added(self, model: Model, name: str) -> str | None:
        """Return the relation of an input's rows that were added since the model read it, or None."""
        changes = self.changes(model, name)
        if changes is None or name.startswith("landing."):
            return changes
        return f"(select * exclude (change, is_new) from {changes} where change = '+')"

    def columns_of(self, relation: str) -> tuple[str, ...]:
        """Return the names of a relation's columns."""
        return tuple(name for name, _ in self.typed_columns_of(relation))

    def typed_columns_of(self, relation: str) -> Columns:
        """Return a relation's columns as (name, type)."""
        if relation not in self._columns:
            name = relation if relation.startswith(f"{self.scope}.") else f"{self.catalog}.{relation}"
            described = self.connection.execute(f"describe select * from {name}").fetchall()
            self._columns[relation] = tuple((row[0], row[1]) for row in described)
        return self._columns[relation]

    def bound_columns_of(self, relation: str) -> Columns:
        """Return the columns that a view over a relation is bound to: those of landing never change under it."""
        return () if relation.startswith("landing.") else self.typed_columns_of(relation)

    def is_empty(self, name: str) -> bool:
        """Say whether a relation certainly has no rows."""
        record = self.versions.records.get(name)
        if record is not None:
            return record.rows == 0
        floor, _, table = name.partition(".")
        return floor == "landing" and self.landing is not None and not self.landing.chunks[table]

    def note_columns(self, relation: str, columns: Columns) -> None:
        """Know what columns a relation has that was just made."""
        self._columns[relation] = columns

    def forget_columns(self, relation: str) -> None:
        """Look again next time: the relation was made anew."""
        self._columns.pop(relation, None)

    def forget_given(self, relation: str) -> None:
        """Look again next time: a relation that no model makes may have changed."""
        self._given.pop(relation, None)

    def _consumed(self, model: Model, name: str) -> str | None:
        return self.versions.consumed.get(model.name, {}).get(name)

    def _landed(self, table: str, consumed: str | None) -> str | None:
        read = None if self.landing is None else self.landing.read_before(table, consumed)
        if self.landing is None or read is None:
            return None
        self.connection.execute(f"create schema if not exists {self.scope}.changes")
        select = self.landing.select(table, since=read)
        self.connection.execute(f"create or replace view {self.scope}.changes.{table} as {select}")
        return f"{self.scope}.changes.{table}"

    def _given_version(self, name: str) -> str:
        if name == LEDGER:
            return ledger_version(self.connection)
        return content_version(self.connection, f"{self.catalog}.{name}")
