"""The macros under the models: their text, and which of them a model's text stands on.

Belongs here: reading ``sql/macros`` and finding macros by name. Does not belong here: giving them to a connection
(``resources.warehouse``).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

MACROS: Final = Path(__file__).parent.parent.parent / "sql" / "macros" / "duckdb.sql"
_BEGINNING: Final = re.compile(r"^create or replace temp macro (\w+)", re.MULTILINE)
_CALL: Final = re.compile(r"\b(\w+)\(")


@cache
def macros_text() -> str:
    """Return the statements that make all macros."""
    return MACROS.read_text(encoding="utf-8")


def macros_under(text: str, macros: str | None = None) -> str:
    """Return the text of every macro that an SQL text calls, and of those that these call, in the file's order."""
    bodies = _bodies(macros_text() if macros is None else macros)
    found: set[str] = set()
    waiting = [text]
    while waiting:
        called = {name for name in _CALL.findall(waiting.pop()) if name in bodies} - found
        found |= called
        waiting += [bodies[name] for name in called]
    return "\n".join(body for name, body in bodies.items() if name in found)


@cache
def _bodies(macros: str) -> dict[str, str]:
    starts = [(found.group(1), found.start()) for found in _BEGINNING.finditer(macros)]
    ends = [start for _, start in starts[1:]] + [len(macros)]
    pairs = zip(starts, ends, strict=True)
    return {name: _without_comments(macros[start:end]) for (name, start), end in pairs}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("--"))
