"""Opening a figure: from one row of ``marts.kpis`` to the rows that it counts.

Belongs here: putting a measure's clause of ``marts.measures`` together with the row's dimension and period
(docs/figures.md). Does not belong here: what is counted (``sql/marts/measures.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.errors import StateError
from pipeline.sqlmodels.relations import Connection, Relation

Role = Literal["numerator", "denominator", "censored", "excluded"]

_PARTNER_DIMENSIONS: Final = frozenset({"region", "tier", "program"})
_ASSET_DIMENSIONS: Final = frozenset({"brand", "classification"})
_OF_THE_PARTNER: Final = (
    "(exists (select 1 from marts.partner_dimensions as divided where divided.partner_id = opened.partner_id"
    " and divided.dimension = $dimension and divided.dimension_value = $dimension_value)"
    " or $dimension_value = '(none)' and not exists (select 1 from marts.partner_dimensions as divided"
    " where divided.partner_id = opened.partner_id))"
)
_OF_A_KNOWN_PARTNER: Final = (
    "exists (select 1 from core.partners as partners where partners.partner_id = opened.partner_id)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of ``marts.kpis``, by its grain."""

    figure: str
    measure: str
    weighting: str = "pair"
    dimension: str = "all"
    dimension_value: str = "all"
    period: str = "all"


@dataclass(frozen=True, slots=True)
class Opening:
    """A query and its parameters; ``counts`` is the aggregate of its rows that is the cell's number."""

    query: str
    parameters: Mapping[str, object]
    counts: str


def opening_of(connection: Connection, cell: Cell, role: Role) -> Opening | None:
    """Return the query for the rows behind a cell; None where the measure counts nothing in that role.

    Raises:
        StateError: there is no such measure.

    """
    found = connection.sql(
        f"select opened_table, {role}_where, period_of, {role}_counts from marts.measures"  # noqa: S608 - one of four words
        " where figure = $figure and measure = $measure",
        params={"figure": cell.figure, "measure": cell.measure},
    ).fetchall()
    if not found:
        message = f"There is no measure {cell.measure!r} of {cell.figure}; marts.measures lists them."
        raise StateError(message)
    table, clause, period_of, counts = found[0]
    if clause is None:
        return None
    conditions = [f"({clause})"]
    parameters: dict[str, Any] = {}
    if cell.dimension != "all":
        conditions.append(_dimension(cell.dimension))
        parameters["dimension_value"] = cell.dimension_value
        if cell.dimension in _PARTNER_DIMENSIONS:
            parameters["dimension"] = cell.dimension
    if cell.period != "all":
        conditions.append(f"{period_of} = $period")
        parameters["period"] = cell.period
    if cell.weighting == "partner":
        conditions.append(_OF_A_KNOWN_PARTNER)
    query = f"select opened.* from {table} as opened where {' and '.join(conditions)}"  # noqa: S608 - from a model's text
    return Opening(query, parameters, counts)


def open_figure(connection: Connection, cell: Cell, role: Role = "numerator") -> Relation | None:
    """Return the rows behind a cell; None where the measure counts nothing in that role."""
    opening = opening_of(connection, cell, role)
    return None if opening is None else connection.sql(opening.query, params=opening.parameters)


def _dimension(dimension: str) -> str:
    if dimension in _ASSET_DIMENSIONS:
        of_the_asset = f"select assets.{dimension} from core.assets as assets where assets.asset_id = opened.asset_id"  # noqa: S608 - one of two words
        return f"coalesce(({of_the_asset}), '(none)') = $dimension_value"
    return _OF_THE_PARTNER
