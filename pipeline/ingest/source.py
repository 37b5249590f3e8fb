"""One way into a stream: from where to where it is asked, window by window where the profile says so.

Belongs here: the span of a pull and its windows. Does not belong here: the page loop (``pipeline.ingest.page_loop``),
the stream as a whole (``pipeline.ingest.rest``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import randbelow
from typing import Any, Final
from urllib.parse import quote

from pipeline.errors import ConfigurationError
from pipeline.ingest.client import TooMuchError
from pipeline.ingest.feeds import StartAgain
from pipeline.ingest.page_loop import PageLoop, TooFullError
from pipeline.ingest.page_requests import Params
from pipeline.ingest.pages import Item, Page
from pipeline.ingest.paths import found_at, spelled
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_paging import StatefulScroll, TimeWindows
from pipeline.ingest.profile_stream import Each, Source
from pipeline.ingest.windows import Window, windows_between
from pipeline.instants import format_instant, parse_instant
from pipeline.json_structure import value_of

LISTING: Final = "each"
_DIFFERENT: Final = timedelta(minutes=10)
_MOST_TIMES_AGAIN: Final = 3
HELD_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Span:
    """A pull's span: from a place (None = everything) to an instant."""

    place: str | None
    until: datetime


@dataclass(slots=True)
class _Held:
    """A window's pages, held back until it is had whole or too large: what is held can still be begun anew."""

    most_bytes: int
    pages: list[Page] = field(default_factory=list)
    size_bytes: int = 0
    is_let_go: bool = False

    def add(self, page: Page) -> list[Page]:
        """Take a page, and return what is not held any more."""
        self.pages.append(page)
        self.size_bytes += sum(len(item if isinstance(item, bytes) else item.raw) for item in page.items)
        if self.size_bytes <= self.most_bytes:
            return []
        self.is_let_go = True
        free, self.pages = self.pages, []
        return free


@dataclass(frozen=True, slots=True)
class SourceReader:
    """Reads one way into a stream once; ``listing`` is the list for each of whose elements it is asked.

    So many bytes of a window are held back until it is whole.
    """

    loop: PageLoop
    path: str
    span: Span
    listing: SourceReader | None = None
    held_bytes: int = HELD_BYTES

    @property
    def source(self) -> Source:
        """What the profile says of it."""
        return self.loop.profile

    def pages(self) -> Iterator[Page]:
        """Yield its pages.

        Raises:
            SourceError: a page cannot be had, is not what the profile says, or the pages go in a circle.
            StartAgain: the place that we were at is gone.

        """
        each = self.source.each
        if each is None or self.listing is None:
            yield from self._pages(self.path, {})
            return
        elements: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        for page in self.listing.pages():
            for item in page.items:
                given = self._given(each, item)
                elements.setdefault(tuple(given.values()), given)
            yield replace(page, items=[], envelope=None, request={**page.request, LISTING: str(len(page.items))})
        for given in elements.values():
            self.loop.given = given
            places = {name: f"{{{name}}}" for name in self.source.path_params}
            path = self.path.format_map(places | {name: quote(str(value), safe="") for name, value in given.items()})
            yield from self._pages(path, {param: given[name] for param, name in each.params.items()})

    def _given(self, each: Each, item: Item) -> Mapping[str, Any]:
        """Return what an element of the list gives; nothing may be missing, for what belongs to it would be lost."""
        value = value_of(item) if isinstance(item, bytes) else None
        given = {name: found_at(value, path) for name, path in each.gives.items()}
        for name, found in given.items():
            if isinstance(found, bool) or not isinstance(found, str | int) or found in {"", ".", ".."}:
                reason = f"an element of the list of 'each' has no text or number at {spelled(each.gives[name])}"
                raise self.loop.wrong(reason)
        return given

    def _pages(self, path: str, given: Params) -> Iterator[Page]:
        paging = self.source.paging
        if isinstance(paging, TimeWindows):
            yield from self._window_pages(path, given, paging)
        else:
            yield from self.loop.pages(path, {**given, **self._params()}, paging)

    def _params(self) -> dict[str, str | int]:
        by = self.source.incremental
        if not isinstance(by, ByInstant):
            return self.loop.progress.params()
        return by.params(self._since(by), self.span.until)

    def _since(self, by: ByInstant) -> datetime | None:
        """Return the start.

        A source that knows a scroll by its question would go on with one that was broken off: so the question is never
        the same, by up to ten minutes of records that are there already.
        """
        since = by.start if self.span.place is None else parse_instant(self.span.place)
        return None if since is None else self._never_the_same(since, by)

    def _never_the_same(self, since: datetime, by: ByInstant) -> datetime:
        paging = self.source.paging
        within = paging.within if isinstance(paging, TimeWindows) else paging
        if not isinstance(within, StatefulScroll):
            return since
        return since - randbelow(max(1, _DIFFERENT // by.unit)) * by.unit

    def _window_pages(self, path: str, given: Params, paging: TimeWindows) -> Iterator[Page]:
        by = self.source.incremental
        since = self._since(by) if isinstance(by, ByInstant) else None
        if not isinstance(by, ByInstant) or since is None:
            message = "windows without a start"
            raise AssertionError(message)
        smallest = max(paging.smallest, by.unit)
        windows = deque(windows_between(by.floor(since), by.floor(self.span.until), paging.step))
        begun_again = 0
        while windows:
            window = windows.popleft()
            params = {**given, **by.params(window.since, window.until)}
            held = _Held(self.held_bytes)
            try:
                for page in self.loop.pages(path, params, paging.within, paging):
                    yield from held.add(page)
            except (TooFullError, TooMuchError) as error:
                self._refuse_if_too_small(window, paging, smallest, error)
                windows.extendleft(reversed(window.halves(by.unit)))
            except StartAgain as again:
                if again.is_full or held.is_let_go or begun_again == _MOST_TIMES_AGAIN:
                    raise
                begun_again += 1
                windows.appendleft(replace(window, since=self._never_the_same(window.since, by)))
            else:
                begun_again = 0
                yield from held.pages

    def _refuse_if_too_small(
        self, window: Window, paging: TimeWindows, smallest: timedelta, error: TooFullError | TooMuchError
    ) -> None:
        if not window.can_be_halved(smallest):
            span = f"{format_instant(window.since)} to {format_instant(window.until)}"
            limit = f"{paging.most} records or more" if isinstance(error, TooFullError) else "too much for the source"
            reason = f"its window from {span} has {limit} and cannot be halved further ('smallest')"
            raise self.loop.wrong(reason) from error


def filled(name: str, path: str, stream: str, variables: dict[str, str], later: Iterable[str] = ()) -> str:
    """Put the stream's name and a connection's variables into a path; what comes ``later`` stays as it is.

    Raises:
        ConfigurationError: it names a variable that the connection does not have.

    """
    try:
        known = {key: quote(text, safe="") for key, text in {**variables, "stream": stream}.items()}
        return path.format_map({**known, **{key: f"{{{key}}}" for key in later}})
    except (KeyError, ValueError, IndexError) as error:
        message = (
            f"The path {path} of {stream} needs a variable that connection {name} does not have: write "
            "variables: {name: value} beside its base_url."
        )
        raise ConfigurationError(message) from error
