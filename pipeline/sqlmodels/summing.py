"""Which rows begin to count in a table of sums, and which no longer do: SQL texts, nothing is run here.

Belongs here: that. Does not belong here: adding them up (``pipeline.sqlmodels.increments``).
"""

from __future__ import annotations

from datetime import datetime

from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.touching import Tables


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
