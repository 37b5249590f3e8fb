"""Tables of sums: which rows begin to count and which no longer do, and adding them up. SQL texts, nothing is run here.

Belongs here: these texts. Does not belong here: running them (``pipeline.sqlmodels.increments``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.touching import Tables, same


def counted_rows(
    sources: Sources, tables: Tables, model: Model, name: str, sign: str, clock: tuple[datetime, datetime]
) -> str:
    """Return the SELECT of an input's rows that begin to count ('+') or no longer do ('-') between two instants.

    Where a row counts from an instant on, one that is unchanged begins to when that instant comes.
    """
    since, until = clock
    columns = [column for relation, column in model.refresh.changes_at if relation == name]
    changes = sources.changes(model, name)
    is_changed = sources.is_changed(model, name)
    counted_before = f" and {columns[0]} <= timestamptz '{since.isoformat()}'" if columns else ""
    changed = (
        f"select * exclude (change, is_new) from {changes} where change = '{sign}'{counted_before}"
        if is_changed
        else f"select * from {tables.full(name)} where false"
    )
    if sign == "-" or not columns:
        return changed
    come = " and ".join(
        f"{columns[0]} {sign} timestamptz '{at.isoformat()}'" for sign, at in ((">", since), ("<=", until))
    )
    return f"{changed} union all by name select * from {tables.full(name)} where {come}"


def counted(model: Model, columns: Sequence[str]) -> list[str]:
    """Return the columns that are counts: all but the grain."""
    return [column for column in columns if column not in model.grain]


def signed(part: str, counts: Sequence[str], sign: str) -> str:
    """Return the SELECT of a part's rows, its counts to be added or taken away."""
    return f"select * replace ({', '.join(f'{sign}{count} as {count}' for count in counts)}) from {part}"


def touched_grains(model: Model, parts: Sequence[str]) -> str:
    """Return the SELECT of the grains for which something is added or taken away."""
    return f"select distinct {', '.join(model.grain)} from ({' union all '.join(parts)})"


def summed(model: Model, tables: Tables, counts: Sequence[str], parts: Sequence[str]) -> str:
    """Return the SELECT of the touched grains' counts as they are now, without those of which nothing is left."""
    grain = ", ".join(model.grain)
    sums = ", ".join(f"cast(sum({count}) as bigint) as {count}" for count in counts)
    return (
        f"select {grain}, {sums} from"
        f" (select t.* from {tables.full(model.name)} t{_of_touched(model, tables)}"
        f" union all by name {' union all by name '.join(parts)})"
        f" group by {grain} having {' or '.join(f'sum({count}) <> 0' for count in counts)}"
    )


def summed_before(model: Model, tables: Tables) -> str:
    """Return the SELECT of the touched grains' rows as they are in the table."""
    return f"select t.rowid as old_place, t.* from {tables.full(model.name)} t{_of_touched(model, tables)}"


def _of_touched(model: Model, tables: Tables) -> str:
    return f" semi join {tables.touched} k on {same('t', 'k', model.grain)}"
