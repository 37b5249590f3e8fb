"""Places: where a pull starts, what it notes on its way, and where the next one starts.

Belongs here: one small class for each kind of ``incremental``. Does not belong here: asking, paging, windows.

A place is kept as text: an instant, a number or a token; what it means is the profile's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pipeline.ingest.client import Answer
from pipeline.ingest.pages import CutPage, PageError
from pipeline.ingest.paths import JsonPath, found_at, spelled
from pipeline.ingest.profile_incremental import (
    ByInstant,
    BySequence,
    ByToken,
    ClientSide,
    Incremental,
    NewestFirst,
    Stamp,
)
from pipeline.instants import format_instant, parse_instant
from pipeline.json_structure import value_of


class Progress(Protocol):
    """One pull's way through a stream; ``is_choosy`` = not every record belongs."""

    is_choosy: bool

    def params(self) -> dict[str, str | int]:
        """Return what the first request says of the start."""

    def belongs(self, item: bytes) -> bool:
        """Say whether a record is to be landed."""

    def note(self, answer: Answer, page: CutPage) -> bool:
        """Look at a page; True where no further one is needed.

        Raises:
            PageError: it lacks what the place is made of.

        """

    def next_place(self, watermark: datetime) -> str | None:
        """Return where the next pull starts, None where it asks for everything."""


def progress_of(incremental: Incremental | None, place: str | None, until: datetime) -> Progress:
    """Return the way of a pull that starts at a place (None = everything) and ends at an instant."""
    match incremental:
        case None:
            return _Everything()
        case ByInstant():
            return _FromInstant(incremental, place, until)
        case BySequence():
            return _FromNumber(incremental, place)
        case ByToken():
            return _FromToken(incremental, place)
        case NewestFirst() | ClientSide():
            return _Newer(incremental, place)


class _Everything:
    is_choosy = False

    def params(self) -> dict[str, str | int]:
        return {}

    def belongs(self, item: bytes) -> bool:  # noqa: ARG002
        return True

    def note(self, answer: Answer, page: CutPage) -> bool:  # noqa: ARG002
        return False

    def next_place(self, watermark: datetime) -> str | None:  # noqa: ARG002
        return None


@dataclass
class _FromInstant(_Everything):
    by: ByInstant
    place: str | None
    until: datetime
    newest: datetime | None = None

    @property
    def since(self) -> datetime | None:
        return self.by.start if self.place is None else parse_instant(self.place)

    def params(self) -> dict[str, str | int]:
        return self.by.params(self.since, self.until)

    def note(self, answer: Answer, page: CutPage) -> bool:  # noqa: ARG002
        if self.by.cursor is not None:
            self.newest = _newest(self.by, self.by.cursor, page.items, self.newest)
        return False

    def next_place(self, watermark: datetime) -> str | None:
        if self.by.cursor is None:
            return _earlier(watermark, self.by.lookback)
        if self.newest is None:
            return self.place if self.since is None else format_instant(self.since)
        return _earlier(min(self.newest, self.until), self.by.lookback)


@dataclass
class _FromNumber(_Everything):
    by: BySequence
    place: str | None
    largest: int | None = None

    def params(self) -> dict[str, str | int]:
        start = self.by.start if self.place is None else int(self.place)
        if start is None or self.by.expression is None:
            return {} if start is None else {self.by.param: start}
        return {self.by.param: self.by.expression.replace("{start}", str(start))}

    def note(self, answer: Answer, page: CutPage) -> bool:  # noqa: ARG002
        for item in page.items:
            value = value_of(item)
            number = found_at(value, self.by.cursor)
            if value is None:
                continue
            if isinstance(number, bool) or not isinstance(number, int):
                message = f"a record has no whole number at {spelled(self.by.cursor)}"
                raise PageError(message)
            self.largest = number if self.largest is None else max(self.largest, number)
        return False

    def next_place(self, watermark: datetime) -> str | None:  # noqa: ARG002
        earlier = None if self.place is None else int(self.place)
        known = [number for number in (self.largest, earlier) if number is not None]
        return str(max(known)) if known else None


@dataclass
class _FromToken(_Everything):
    by: ByToken
    place: str | None
    token: str | None = None

    def params(self) -> dict[str, str | int]:
        start = self.by.start if self.place is None else self.place
        return {} if start is None else {self.by.param: start}

    def note(self, answer: Answer, page: CutPage) -> bool:
        found: Any = found_at(page.values, self.by.token)
        if self.by.header is not None:
            found = answer.headers.get(self.by.header.lower())
        if isinstance(found, str | int) and found != "":
            self.token = str(found)
        return False

    def next_place(self, watermark: datetime) -> str | None:  # noqa: ARG002
        return self.token or self.place


@dataclass
class _Newer(_Everything):
    """What the source cannot be asked for by time: compared here."""

    by: NewestFirst | ClientSide
    place: str | None
    newest: datetime | None = None

    def __post_init__(self) -> None:
        self.is_choosy = isinstance(self.by, ClientSide) and self.place is not None

    def belongs(self, item: bytes) -> bool:
        if isinstance(self.by, NewestFirst) or self.place is None:
            return True
        try:
            return self.by.read(_value(item, self.by.cursor)) >= parse_instant(self.place)
        except ValueError:
            return True

    def note(self, answer: Answer, page: CutPage) -> bool:  # noqa: ARG002
        self.newest = _newest(self.by, self.by.cursor, page.items, self.newest)
        if isinstance(self.by, ClientSide) or self.place is None or not page.items:
            return False
        instants = [_newest(self.by, self.by.cursor, [item], None) for item in page.items]
        known = [instant for instant in instants if instant is not None]
        # Where they are out of order, a newer one may stand behind the last of them.
        decisive = known[-1:] if known == sorted(known, reverse=True) else known
        return bool(decisive) and max(decisive) < parse_instant(self.place)

    def next_place(self, watermark: datetime) -> str | None:
        if self.newest is None:
            return self.place
        # A stamp in the future must not hide what comes until then.
        return _earlier(min(self.newest, watermark), self.by.lookback)


def _value(item: bytes, path: JsonPath) -> Any:
    return found_at(value_of(item), path)


def _earlier(instant: datetime, span: timedelta) -> str:
    try:
        return format_instant(instant - span)
    except OverflowError:
        return format_instant(instant)


def _newest(stamp: Stamp, path: JsonPath, items: Sequence[bytes], newest: datetime | None) -> datetime | None:
    """Return the newest instant of some records, leaving out those that cannot be read: they are quarantined later."""
    for item in items:
        try:
            instant = stamp.read(_value(item, path))
        except ValueError:
            continue
        newest = instant if newest is None else max(newest, instant)
    return newest
