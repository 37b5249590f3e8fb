"""Rows of large tables that touched keys bear, kept at hand for the models to the right that touch the same keys.

Belongs here: which rows are at hand. Does not belong here: which keys are touched (``touching``), what is computed from
the rows (``increments``).

Finding the rows of some keys means looking at the keys of every row, which is most of what a turn of little costs in a
large warehouse. A model that was brought up to date has looked through its own table already: what it found there, with
what it changed since, is all that the table has for these keys, and most models to its right touch no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.sqlmodels.relations import Connection
from pipeline.sqlmodels.versions import Versions

# Smaller tables are read where they are; and so are all where so many keys are touched.
LARGE_ROWS: Final = 200_000
MOST_KEYS: Final = 200_000


@dataclass
class Taken:
    """What is at hand in a turn, by table and by the columns in which the keys are looked for."""

    connection: Connection
    versions: Versions
    scope: str
    large_rows: int = LARGE_ROWS
    _at_hand: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare the schema in which the rows are kept."""
        self.connection.execute(f"create schema if not exists {self.scope}.taken")
        self.old = f"{self.scope}.taken.old"

    def is_worth_it(self, relation: str, keys: int) -> bool:
        """Say whether a table is large, and the touched keys are few."""
        record = self.versions.records.get(relation)
        return record is not None and record.rows >= self.large_rows and keys <= MOST_KEYS

    def rows(self, relation: str, bound: dict[str, str], touched: str) -> str | None:
        """Return a table that has all rows of a relation with the touched keys, or None where none is at hand.

        ``bound`` is what each key is called in the relation, ``touched`` a SELECT of keys.
        """
        columns = tuple(bound.values())
        rows, known = self._names(relation, columns)
        if self._at_hand.get((relation, columns)) != self.versions.records[relation].version:
            return None
        on = " and ".join(f"k.{key} is not distinct from n.{column}" for key, column in bound.items())
        missing = f"select 1 from ({touched}) k anti join {known} n on {on} limit 1"
        return None if self.connection.execute(missing).fetchall() else rows

    def follow(self, relation: str, keys: Sequence[str], touched: str) -> None:
        """Keep the rows of a model's own touched keys as they are since its difference was written.

        They are what it had (``self.old``), without what went, with what came.
        """
        rows, known = self._names(relation, tuple(keys))
        self.connection.execute(
            f"create or replace table {rows} as select * exclude (old_place) from {self.old}"
            " anti join (select old_place from difference where change = '-') d using (old_place)"
            " union all by name select * exclude (change, is_new, old_place) from difference where change = '+'"
        )
        self.connection.execute(f"create or replace table {known} as select {', '.join(keys)} from {touched}")
        self._at_hand[relation, tuple(keys)] = self.versions.records[relation].version

    def _names(self, relation: str, columns: Sequence[str]) -> tuple[str, str]:
        name = f"{self.scope}.taken.{relation.replace('.', '__')}__by_{'_'.join(columns)}"
        return name, f"{name}__keys"
