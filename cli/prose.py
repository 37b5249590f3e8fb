"""Prose at a terminal: headings, paragraphs and lists that are wrapped at words, whatever the width.

Belongs here: the layout of text for people. Does not belong here: what is told, tables of figures (``cli.output``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.output import shown

WIDTH_WITHOUT_TERMINAL: Final = 100
_BULLET: Final = "\u2022"
_QUIET: Final = "dim"


class Prose:
    """One page of text; anything in it may come from outside."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to standard output, as wide as the terminal is."""
        width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
        self._console = console or Console(width=width, highlight=False)

    def heading(self, text: str) -> None:
        """Write a heading after an empty line."""
        self._console.print()
        self._console.print(Text(shown(text), style="bold"))

    def paragraph(self, text: str, style: str = "") -> None:
        """Write a paragraph."""
        self._console.print(Text(shown(text), style=style))

    def items(self, items: Iterable[tuple[str, str]]) -> None:
        """Write a list of texts, each with its evidence behind it."""
        self._rows(([Text(_BULLET), _with(text, evidence)] for text, evidence in items), widths=(1,))

    def dated(self, items: Iterable[tuple[str, str, str]]) -> None:
        """Write a list of (when, text, evidence)."""
        kept = list(items)
        widest = max((len(when) for when, _, _ in kept), default=0)
        self._rows(([Text(shown(when)), _with(text, evidence)] for when, text, evidence in kept), widths=(widest,))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a table; numbers stand right, long cells are wrapped at words."""
        kept = [list(row) for row in rows]
        table = Table(box=None, header_style=_QUIET, pad_edge=False, padding=(0, 2, 0, 0))
        for place, column in enumerate(columns):
            is_number = bool(kept) and all(isinstance(row[place], int) for row in kept)
            table.add_column(column, justify="right" if is_number else "left", overflow="fold")
        for row in kept:
            table.add_row(*(Text(shown(value)) for value in row))
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _rows(self, rows: Iterable[Sequence[Text]], widths: Sequence[int]) -> None:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for width in widths:
            table.add_column(width=width, no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print(Padding(table, (0, 0, 0, 2)))


def _with(text: str, evidence: str) -> Text:
    written = Text(shown(text))
    if evidence:
        written.append(f" [{shown(evidence)}]", style=_QUIET)
    return written
