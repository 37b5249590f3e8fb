"""Writing the difference between what a table has and what it should have.

Belongs here: which rows are added and which are gone, the table of changes, running numbers. Does not belong here: what
the rows should be (``pipeline.sqlmodels.increments``); the transaction is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.relations import Connection
from pipeline.sqlmodels.touching import same


def changes_of(name: str) -> str:
    """Return the table that has a model's last changes: its rows, ``change`` (+ or -) and ``is_new``."""
    floor, _, table = name.partition(".")
    return f"changes.{floor}__{table}"


def write_difference(
    connection: Connection, model: Model, fresh: str, old: str | None, columns: Sequence[str], *, only_adds: bool
) -> tuple[int, int]:
    """Write what differs between fresh rows and old ones; return how many rows were added, and how many are gone.

    ``old`` selects the rows of the model's table that the fresh ones stand for, with their ``old_place``; None = there
    are none. Where a table only adds, rows that are there stay as they are.
    """
    if model.refresh.number:
        none = f"select rowid as old_place, * from {model.name} limit 0"
        connection.execute(f"create or replace temp table old_rows as {old or none}")
        old, fresh = "select * from old_rows", _numbered(connection, model, fresh)
    differing = _difference(model, fresh, old, columns, only_adds=only_adds) if old else _all_new(fresh, columns)
    connection.execute(f"create or replace temp table difference as {differing}")
    counts = connection.execute(
        "select count(*) filter (where change = '+'), count(*) filter (where change = '-') from difference"
    ).fetchall()[0]
    added, removed = int(counts[0]), int(counts[1])
    if added or removed:
        _write(connection, model, has_removed=removed > 0)
    return added, removed


def _difference(model: Model, fresh: str, old: str, columns: Sequence[str], *, only_adds: bool) -> str:
    """Return the SELECT of the rows that are to be added (+) and of the places of those that are to go (-)."""
    keys = model.refresh.keys or model.grain
    values = [] if only_adds else [column for column in columns if column not in model.grain]
    differs = " or ".join(["o.old_place is null", *(f"o.{name} is distinct from n.{name}" for name in values)])
    said = ", ".join(f"n.{column}" for column in columns)
    added = (
        f"select {said}, o.old_place from {fresh} n left join old o on {same('n', 'o', model.grain)} where {differs}"
    )
    gone = (
        "select * from old where false"
        if only_adds
        else f"select o.* from old o anti join {fresh} n on {same('n', 'o', model.grain)}"
        " union all by name select o.* from old o semi join added a on a.old_place = o.old_place"
    )
    return (
        f"with old as materialized ({old}), added as materialized ({added}), gone as ({gone})"
        " select '+' as change, k.is_here is null as is_new, null::bigint as old_place, a.* exclude (old_place)"
        f" from added a left join (select distinct {', '.join(keys)}, true as is_here from old) k"
        f" on {same('a', 'k', keys)}"
        " union all by name select '-' as change, false as is_new, * from gone"
    )


def _all_new(fresh: str, columns: Sequence[str]) -> str:
    said = ", ".join(columns)
    return f"select '+' as change, true as is_new, null::bigint as old_place, {said} from {fresh}"


def _write(connection: Connection, model: Model, *, has_removed: bool) -> None:
    connection.execute(
        f"create or replace table {changes_of(model.name)} as select * exclude (old_place) from difference"
    )
    if has_removed:
        connection.execute(
            f"delete from {model.name} where rowid in (select old_place from difference where change = '-')"
        )
    connection.execute(
        f"insert into {model.name} by name"
        " select * exclude (change, is_new, old_place) from difference where change = '+'"
    )


def _numbered(connection: Connection, model: Model, fresh: str) -> str:
    """Let rows that are there keep their number, and new ones continue behind the last."""
    number = model.refresh.number
    connection.execute(
        f"create or replace temp table numbered as select n.* replace (coalesce(o.{number}, l.last +"
        f" row_number() over (partition by o.{number} is null order by n.{number})) as {number})"
        f" from {fresh} n left join old_rows o on {same('n', 'o', model.refresh.numbered)}"
        f" cross join (select coalesce(max({number}), 0) as last from {model.name}) l"
    )
    return "numbered"
