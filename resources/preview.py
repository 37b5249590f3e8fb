"""Previews: a table's first rows as Markdown, for people who look at an asset.

Belongs here: what may be shown, and escaping. Does not belong here: reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb

ROWS: Final = 5
_LONGEST_CELL: Final = 60
# Personal data and free text live in the warehouse only, where erasing finds them (docs/audit.md).
_NOT_SHOWN: Final = frozenset(
    {
        "acknowledged_by",
        "actor",
        "approved_by",
        "asserted_by",
        "body",
        "client_ip",
        "description",
        "display_name",
        "email",
        "login_id",
        "owner",
        "payload",
        "rationale",
        "raw_base64",
        "requester_id",
        "user_agent",
        "user_id",
    }
)


def preview(
    connection: duckdb.DuckDBPyConnection, source: str, parameters: Mapping[str, object] | None = None
) -> str | None:
    """Return the first rows of a table, or of a SELECT in brackets; None where there are none."""
    bound = dict(parameters or {})
    relation = connection.sql(f"select * from {source} limit 0", params=bound)  # noqa: S608 - a name or text of ours
    shown = [name for name in relation.columns if name not in _NOT_SHOWN]
    cells = ", ".join(f"left({_quoted(name)}::varchar, {_LONGEST_CELL})" for name in shown)
    found = connection.sql(f"select {cells} from {source} limit {ROWS}", params=bound).fetchall()  # noqa: S608 - the same
    if not found:
        return None
    return "\n".join([_line(shown), _line(["---"] * len(shown)), *(_line(row) for row in found)])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _line(cells: list[str] | tuple[str | None, ...]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(cell: str | None) -> str:
    text = "" if cell is None else " ".join(cell.split())
    for mark in "\\|`<>[]*_!":
        text = text.replace(mark, f"\\{mark}")
    return text
