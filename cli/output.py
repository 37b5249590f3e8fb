"""What the terminal shows: tables and sentences for people, JSON for programs, progress on standard error.

Belongs here: turning values into text that is safe for a terminal, and where which text goes. Does not
belong here: what is asked.

Text from partners and tenants reaches the terminal only through ``shown``: control characters, escape
sequences and marks that turn the direction of text are written out, never sent.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from pipeline.instants import format_instant

PROGRESS_AFTER_SECONDS: Final = 2.0
WIDTH_WITHOUT_TERMINAL: Final = 200
DASH: Final = "\u2013"
# C0 and C1 controls, DEL, line and paragraph separators, direction marks, the byte order mark, lone surrogates.
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def shown(value: object) -> str:
    """Return a value as one line of text that no terminal obeys; what is absent is a dash."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_instant(value)[:16].replace("T", " ")
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value) or DASH
    return _UNSAFE.sub(_written_out, str(value))


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


class Output:
    """One command's way to speak; ``is_json`` = standard output carries one JSON document and nothing else."""

    def __init__(self, *, is_json: bool) -> None:
        """Decide nothing but the form."""
        self.is_json = is_json
        width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
        self._out = Console(width=width, highlight=False)
        self._err = Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def result(self, document: Mapping[str, Any], for_people: Callable[[], None]) -> None:
        """Give the result, in one of the two forms."""
        if self.is_json:
            sys.stdout.write(as_json(document) + "\n")
            sys.stdout.flush()
        else:
            for_people()

    def sentences(self, document: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Give a result that sentences tell."""

        def tell() -> None:
            for line in lines:
                self.line(line)

        self.result(document, tell)

    def line(self, text: str, style: str = "") -> None:
        """Write one line for people; ``text`` may hold anything."""
        self._out.print(Text(shown(text), style=style), soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a table for people; numbers stand right."""
        kept = [list(row) for row in rows]
        table = Table(title=Text(shown(title), style="bold"), title_justify="left", header_style="bold", box=None)
        for place, column in enumerate(columns):
            is_number = bool(kept) and all(isinstance(row[place], int | float | Decimal | None) for row in kept)
            table.add_column(column, justify="right" if is_number else "left", overflow="fold")
        for row in kept:
            table.add_row(*(value if isinstance(value, Text) else Text(shown(value)) for value in row))
        self._out.print(table)

    def say(self, text: str) -> None:
        """Say on standard error what is going on, at once."""
        if self._status is not None:
            self._status.update(Text(shown(text)))
        self._err.print(Text(shown(text), style="dim"), soft_wrap=True)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done once it lasts for over two seconds; call what is given with each step."""
        if not self._err.is_terminal:
            yield _plain_progress(self._err, what)
            return
        status = Status(Text(shown(what)), console=self._err)
        timer = threading.Timer(PROGRESS_AFTER_SECONDS, status.start)
        timer.daemon = True
        timer.start()
        self._status = status
        try:
            yield lambda step: status.update(Text(shown(f"{what}: {step}")))
        finally:
            timer.cancel()
            timer.join()
            status.stop()
            self._status = None


def _plain_progress(console: Console, what: str) -> Callable[[str], None]:
    """Without a terminal: a line every few seconds, the first after two."""
    last = [time.monotonic()]

    def step(text: str) -> None:
        now = time.monotonic()
        if now - last[0] >= PROGRESS_AFTER_SECONDS:
            last[0] = now
            console.print(Text(shown(f"{what}: {text}"), style="dim"), soft_wrap=True)

    return step


def as_json(document: Mapping[str, Any]) -> str:
    """Return the document as JSON in plain ASCII: instants as the ledger writes them, numbers as numbers."""
    text = json.dumps(document, default=_jsonable, ensure_ascii=True, indent=1, allow_nan=False)
    return text.replace("\x7f", "\\u007f")


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def write_error(sentence: str) -> None:
    """Write one sentence to standard error."""
    sys.stderr.write(shown(" ".join(sentence.split())) + "\n")
