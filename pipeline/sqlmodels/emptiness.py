"""Without which inputs a SELECT certainly has no rows: read from its text, so that it need not be asked.

Belongs here: reading that. Does not belong here: which inputs are empty (``pipeline.sqlmodels.increments``).

What has to be empty is a set of sets of relations: one of the sets has to be empty altogether. ``NEVER``, no set at
all, says that rows may come out of nothing, or that it cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, TypeAlias

from sqlglot import exp

Emptiness: TypeAlias = frozenset[frozenset[str]]

NEVER: Final[Emptiness] = frozenset()
_MOST_SETS: Final = 64
_MANY_GROUPS: Final = (exp.GroupingSets, exp.Rollup, exp.Cube)
_UNKNOWN_AGGREGATES: Final = frozenset(
    {"histogram", "product", "mad", "entropy", "kurtosis", "skewness", "sem", "fsum"}
)


def has_no_rows(emptiness: Emptiness, empty: Iterable[str]) -> bool:
    """Say whether nothing can come out where these relations have no rows."""
    names = frozenset(empty)
    return any(wanted <= names for wanted in emptiness)


def read_emptiness(statement: exp.Expr) -> Emptiness:
    """Return what has to be empty for a SELECT to be so."""
    return _of(statement, {})


def _of(expression: exp.Expr, named: Mapping[str, Emptiness]) -> Emptiness:
    if isinstance(expression, exp.Subquery) and not expression.args.get("joins"):
        return _of(expression.this, named)
    if isinstance(expression, exp.Table) and isinstance(expression.this, exp.Identifier):
        name = f"{expression.db}.{expression.name}"
        return frozenset({frozenset({name})}) if expression.db else named.get(expression.name, NEVER)
    if not isinstance(expression, exp.Query):
        return NEVER
    for table in expression.ctes:
        named = {**named, table.alias: _of(table.this, named)}
    if type(expression) is exp.Union:
        return _both(_of(expression.left, named), _of(expression.right, named))
    if not isinstance(expression, exp.Select) or _has_a_row_of_nothing(expression):
        return NEVER
    return _joined(expression, named)


def _both(left: Emptiness, right: Emptiness) -> Emptiness:
    return _least(frozenset(one | other for one, other in product(left, right)))


def _least(sets: Emptiness) -> Emptiness:
    least = frozenset(one for one in sets if not any(other < one for other in sets))
    return least if len(least) <= _MOST_SETS else NEVER


def _joined(select: exp.Select, named: Mapping[str, Emptiness]) -> Emptiness:
    begin = select.args.get("from_")
    if begin is None:
        return NEVER
    found = _of(begin.this, named)
    for join in select.args.get("joins") or ():
        if join.side in {"RIGHT", "FULL"} or join.method:
            return NEVER
        if not join.side and join.kind in {"", "INNER", "SEMI", "CROSS"}:
            found |= _of(join.this, named)
    return _least(found)


def _has_a_row_of_nothing(select: exp.Select) -> bool:
    """Say whether it counts over everything: that gives a row where there is none."""
    group = select.args.get("group")
    if group is not None:
        return not group.expressions or any(isinstance(item, _MANY_GROUPS) for item in group.expressions)
    return select.args.get("having") is not None or any(_counts(item) for item in select.expressions)


def _counts(item: exp.Expr) -> bool:
    for found in item.find_all(exp.AggFunc, exp.Anonymous):
        if isinstance(found, exp.Anonymous) and found.name.lower() not in _UNKNOWN_AGGREGATES:
            continue
        parent = found.parent
        while isinstance(parent, exp.Filter | exp.IgnoreNulls | exp.WithinGroup):
            parent = parent.parent
        if not isinstance(parent, exp.Window):
            return True
    return False
