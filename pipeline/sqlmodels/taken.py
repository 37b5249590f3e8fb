"""Rows of large tables that touched keys bear, kept at hand for the models to the right that touch the same keys.

Belongs here: which rows are at hand, and how they are found. Does not belong here: which keys are touched
(``touching``), what is computed from the rows (``increments``).

Finding the rows of some keys means looking at the keys of every row, which is most of what a turn of little costs in a
large warehouse. A model that is brought up to date has to look through its own table: it looks for all keys of which it
is known by then that the turn touches them, not for its own alone. What it found there, with what it changed since, is
all that the table has for these keys, and most models to its right touch no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.sqlmodels.relations import Connection
from pipeline.sqlmodels.touching import same
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
    _at_hand: dict[tuple[str, tuple[str, ...]], tuple[int, int]] = field(default_factory=dict)
    _sought: dict[tuple[str, ...], int] = field(default_factory=dict)
    _batches: int = 0

    def __post_init__(self) -> None:
        """Prepare the schema in which the rows are kept."""
        self.connection.execute(f"create schema if not exists {self.scope}.taken")
        self.old = f"{self.scope}.taken.old"

    def is_worth_it(self, relation: str, keys: int) -> bool:
        """Say whether a table is large, and the touched keys are few."""
        record = self.versions.records.get(relation)
        return record is not None and record.rows >= self.large_rows and keys <= MOST_KEYS

    def rows(self, relation: str, bound: dict[str, str], touched: str) -> str | None:
        """Return a table that has all rows of a relation with the touched keys, and others, or None: none is at hand.

        ``bound`` is what each key is called in the relation, ``touched`` a SELECT of keys.
        """
        columns = tuple(bound.values())
        version, batches = self._at_hand.get((relation, columns), (None, 0))
        if version != self.versions.records[relation].version:
            return None
        on = " and ".join(f"k.{key} is not distinct from n.{column}" for key, column in bound.items())
        known = f"select * from {self._sought_of(columns)} where batch_no <= {batches}"
        missing = f"select 1 from ({touched}) k anti join ({known}) n on {on} limit 1"
        return None if self.connection.execute(missing).fetchall() else self._rows_of(relation, columns)

    def with_places(self, table: str, keys: Sequence[str], sought: Iterable[str] | None) -> str:
        """Return a relation that has a model's rows with their ``old_place``: all, or those of sought keys and others.

        ``sought`` are SELECTs of keys; what is found has the rows of all keys that were looked for before, too.
        """
        if sought is None:
            return f"(select t.rowid as old_place, t.* from {table} t)"
        for select in sought:
            self._seek(tuple(keys), select)
        self.connection.execute(
            f"create or replace table {self.old} as {found_rows(table, keys, self._sought_of(keys))}"
        )
        return self.old

    def follow(self, relation: str, keys: Sequence[str]) -> None:
        """Keep what was found in a model's own table as it is since its difference was written.

        It is what it had, without what went, with what came.
        """
        columns = tuple(keys)
        rows = self._rows_of(relation, columns)
        self.connection.execute(
            f"create or replace table {rows} as select * exclude (old_place) from {self.old}"
            " anti join (select old_place from difference where change = '-') d using (old_place)"
            " union all by name select * exclude (change, is_new, old_place) from difference where change = '+'"
        )
        self._at_hand[relation, columns] = (self.versions.records[relation].version, self._batches)

    def _seek(self, keys: tuple[str, ...], select: str) -> None:
        """Add keys to those that are looked for; where these become too many, begin anew with the added alone."""
        named, sought = ", ".join(keys), self._sought_of(keys)
        self._batches += 1
        asked = f"select distinct {named}, {self._batches} as batch_no from ({select})"
        if keys in self._sought:
            new = f"select k.* from ({asked}) k anti join {sought} n on {same('k', 'n', keys)}"
            self._sought[keys] += int(self.connection.execute(f"insert into {sought} {new}").fetchall()[0][0])
        if self._sought.get(keys, MOST_KEYS + 1) > MOST_KEYS:
            made = self.connection.execute(f"create or replace table {sought} as {asked}")
            self._sought[keys] = int(made.fetchall()[0][0])
            self._at_hand = {place: at for place, at in self._at_hand.items() if place[1] != keys}

    def _sought_of(self, columns: Sequence[str]) -> str:
        return f"{self.scope}.taken.sought__by_{'_'.join(columns)}"

    def _rows_of(self, relation: str, columns: Sequence[str]) -> str:
        return f"{self.scope}.taken.{relation.replace('.', '__')}__by_{'_'.join(columns)}"


def found_rows(table: str, keys: Sequence[str], sought: str) -> str:
    """Return the SELECT of a table's rows that bear one of the sought keys, with their ``old_place``.

    Their places are found first, by the keys' hash, since to read all columns of all rows takes twice as long. Rows of
    another key with the same hash may be among them.
    """
    hashed, looked_at = (", ".join(f"{alias}.{key}::varchar" for key in keys) for alias in ("k", "t"))
    return (
        f"with places as materialized (select t.rowid as place from {table} t"
        f" semi join (select hash({hashed}) as hashed from {sought} k) h on hash({looked_at}) = h.hashed)"
        f" select t.rowid as old_place, t.* from {table} t semi join places p on t.rowid = p.place"
    )
