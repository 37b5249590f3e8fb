"""How to get from one page to the next: small strategies, driven by the one loop in ``pipeline.ingest.rest``.

Belongs here: the request of the first page and, from an answer, the next one or the end. Does not
belong here: asking (``resources.rest``), the loop, records, time windows (``pipeline.ingest.windows``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urljoin

from pipeline.ingest.client import Answer
from pipeline.ingest.pages import CutPage, PageError
from pipeline.ingest.paths import JsonPath, found_at, spelled
from pipeline.ingest.profile_paging import (
    CursorPaging,
    HeaderLinkPaging,
    JsonLinkPaging,
    KeysetPaging,
    OffsetPaging,
    PageNumberPaging,
    SinglePage,
    StatefulScroll,
    Within,
)
from pipeline.json_structure import value_of

Params: TypeAlias = Mapping[str, str | int]

_NEXT_LINK: Final = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel\s*=\s*"?next"?')


class IncompleteError(PageError):
    """The pages ended before all was had: some were lost on the way."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for; ``place`` names it among the stream's pages (None = the first).

    Raises:
        PageError: what it is made of is no text that could be sent.

    """

    path: str
    params: Params
    place: str | None = None
    is_link: bool = False

    def __post_init__(self) -> None:
        """Refuse half of a surrogate pair."""
        try:
            (self.place or "").encode()
        except UnicodeError as error:
            message = "what it says of the next page is no text"
            raise PageError(message) from error


class Strategy(Protocol):
    """One way of paging."""

    def first(self, path: str, params: Params) -> PageRequest:
        """Return the first page's request."""

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:
        """Return the next page's request, None at the end.

        Raises:
            PageError: the page contradicts itself about what comes next.

        """

    def coming(self, request: PageRequest, page: CutPage, most: int) -> list[PageRequest]:
        """Return the requests behind one that follows a page, as far as that page says that there are more."""


def strategy_of(paging: Within) -> Strategy:  # noqa: PLR0911 - one for each kind
    """Return the strategy that a profile names."""
    match paging:
        case CursorPaging():
            return _ByCursor(paging)
        case PageNumberPaging():
            return _ByNumber(paging)
        case OffsetPaging():
            return _ByOffset(paging)
        case HeaderLinkPaging() | JsonLinkPaging():
            return _ByLink(paging)
        case KeysetPaging():
            return _ByKey(paging)
        case StatefulScroll():
            return _ByScroll(paging)
        case SinglePage():
            return _Single()


Sized: TypeAlias = (
    CursorPaging | PageNumberPaging | OffsetPaging | HeaderLinkPaging | JsonLinkPaging | KeysetPaging | StatefulScroll
)


def _sized(paging: Sized, params: Params) -> dict[str, str | int]:
    return {**params, paging.size_param: paging.size} if paging.size_param else dict(params)


def _flag(page: CutPage, path: JsonPath) -> bool:
    says = found_at(page.values, path)
    if not isinstance(says, bool):
        message = f"it has no true or false at {spelled(path)}"
        raise PageError(message)
    return says


def _says(paging: Sized, page: CutPage) -> bool | None:
    """Return whether more follows, as far as the page says it: None where it says nothing."""
    if "empty" in paging.stop and not page.items:
        return False
    if "short" in paging.stop and len(page.items) < paging.size:
        return False
    if paging.ends is not None and _flag(page, paging.ends):
        return False
    if paging.has_more is not None:
        return _flag(page, paging.has_more)
    return None if paging.ends is None else True


@dataclass(slots=True)
class Counted:
    """How many records came, held against the number that the source says; ``total`` = the last it said."""

    paging: Within
    received: int = 0
    total: int | None = None

    def add(self, page: CutPage) -> None:
        """Count a page.

        Raises:
            IncompleteError: the number fell: what was behind the records that went has moved up, and was not asked for.
            PageError: the page does not say it.

        """
        self.received += len(page.items)
        path = getattr(self.paging, "total", None)
        if path is None:
            return
        total = _number(page, path)
        if self.total is not None and total < self.total:
            message = f"the number of its records fell from {self.total} to {total} while it was read"
            raise IncompleteError(message)
        self.total = total

    def end(self) -> None:
        """Say that no further page follows.

        Raises:
            IncompleteError: fewer came than there are.

        """
        if self.total is not None and self.received < self.total:
            message = f"its pages ended after {self.received} of {self.total} records"
            raise IncompleteError(message)


def _number(page: CutPage, path: JsonPath) -> int:
    says = found_at(page.values, path)
    if isinstance(says, bool) or not isinstance(says, int):
        message = f"it has no whole number at {spelled(path)}"
        raise PageError(message)
    return says


class _Step:
    """What a way of paging has that learns of a page only from the one before it."""

    __slots__ = ()

    def coming(self, request: PageRequest, page: CutPage, most: int) -> list[PageRequest]:  # noqa: ARG002
        return []


@dataclass(frozen=True, slots=True)
class _ByCursor(_Step):
    paging: CursorPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, _sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:
        says_more = _says(self.paging, page)
        if says_more is False:
            return None
        cursor = self._cursor(answer, page)
        if cursor in (None, ""):
            if says_more:
                message = "it says that more follows but names no cursor"
                raise PageError(message)
            return None
        return PageRequest(request.path, {**request.params, self.paging.param: str(cursor)}, str(cursor))

    def _cursor(self, answer: Answer, page: CutPage) -> str | int | None:
        if self.paging.header is not None:
            return answer.headers.get(self.paging.header.lower())
        cursor: Any = found_at(page.values, self.paging.cursor)
        if cursor is not None and (isinstance(cursor, bool) or not isinstance(cursor, str | int)):
            message = f"its {spelled(self.paging.cursor)} is neither text nor null"
            raise PageError(message)
        return cursor


def _at(request: PageRequest, param: str, place: int) -> PageRequest:
    return PageRequest(request.path, {**request.params, param: place}, str(place))


@dataclass(frozen=True, slots=True)
class _ByNumber:
    paging: PageNumberPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, {**_sized(self.paging, params), self.paging.param: self.paging.first})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        here = int(request.params[self.paging.param])
        says_more = _says(self.paging, page)
        if says_more is None and self.paging.pages is not None:
            says_more = here - self.paging.first + 1 < _number(page, self.paging.pages)
        if not (page.items if says_more is None else says_more):
            return None
        if not page.items:
            message = "it says that more follows but is empty"
            raise PageError(message)
        return _at(request, self.paging.param, here + 1)

    def coming(self, request: PageRequest, page: CutPage, most: int) -> list[PageRequest]:
        if self.paging.pages is None:
            return []
        here = int(request.params[self.paging.param])
        end = self.paging.first + _number(page, self.paging.pages)
        return [_at(request, self.paging.param, place) for place in range(here + 1, min(end, here + 1 + most))]


@dataclass(frozen=True, slots=True)
class _ByOffset:
    """Counted by what came, so the source's own size of a page does not matter."""

    paging: OffsetPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, {**_sized(self.paging, params), self.paging.param: 0})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        next_at = int(request.params[self.paging.param]) + len(page.items)
        says_more = _says(self.paging, page)
        if says_more is None and self.paging.total is not None:
            says_more = next_at < _number(page, self.paging.total)
        if not (page.items if says_more is None else says_more):
            return None
        if not page.items:
            message = "it says that more follows but is empty"
            raise PageError(message)
        return _at(request, self.paging.param, next_at)

    def coming(self, request: PageRequest, page: CutPage, most: int) -> list[PageRequest]:
        if self.paging.total is None:
            return []
        size, here = len(page.items), int(request.params[self.paging.param])
        places = range(here + size, min(_number(page, self.paging.total), here + (most + 1) * size), size)
        return [_at(request, self.paging.param, place) for place in places]


@dataclass(frozen=True, slots=True)
class _ByLink(_Step):
    paging: HeaderLinkPaging | JsonLinkPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, _sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        says_more = _says(self.paging, page)
        link = None if says_more is False else self._link(answer, page)
        if link in (None, ""):
            if says_more:
                message = "it says that more follows but has no link to it"
                raise PageError(message)
            return None
        if not isinstance(link, str):
            message = "its next link is not text"
            raise PageError(message)
        try:
            target = urljoin(answer.url, link)
        except ValueError as error:
            message = "its next link is no address"
            raise PageError(message) from error
        return PageRequest(target, {}, target, is_link=True)

    def _link(self, answer: Answer, page: CutPage) -> Any:
        if isinstance(self.paging, JsonLinkPaging):
            return found_at(page.values, self.paging.link)
        text = answer.headers.get(self.paging.header.lower(), "")
        if self.paging.header.lower() != "link":
            return text
        match = _NEXT_LINK.search(text)
        return match.group(1) if match else None


@dataclass(slots=True)
class _ByKey(_Step):
    """``full`` = the most records on a page that is known to have been cut off there.

    ``before`` = those of the page before, ``ties`` = how many at its end have the last one's key. ``said`` = what the
    parameter says of itself, where an expression follows it.
    """

    paging: KeysetPaging
    before: int = 0
    full: int = 0
    ties: int = 0
    said: str | int | None = None

    def first(self, path: str, params: Params) -> PageRequest:
        self.before = self.full = self.ties = 0
        self.said = params.get(self.paging.param)
        start = self.paging.start
        words = {} if start is None else self._words([start])
        return PageRequest(path, {**_sized(self.paging, params), **words})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        if not page.items or _says(self.paging, page) is False:
            return None
        key = self._checked_key(page.items[-1])
        place = str(key[0]) if len(key) == 1 else json.dumps(key)
        if place == request.place:
            if len(page.items) > self.ties:
                self.full = max(self.full, self.before)
            is_short = len(page.items) < (min(self.full, self.paging.size) or self.paging.size)
            if self.paging.inclusive and is_short:
                return None
            message = f"all its records have one value at {self._named}: raise 'size' above their number"
            raise PageError(message)
        self.full, self.before = max(self.full, self.before), len(page.items)
        tied = list(takewhile(lambda item: self._key(item) == key, reversed(page.items)))
        self.ties = len(tied)
        if not self.paging.inclusive and len(set(tied)) > 1:
            what = f"its last {len(tied)} records have one value at {self._named}"
            message = f"{what}, so more may be lost behind it: name in 'ties' what orders them, or say 'inclusive'"
            raise PageError(message)
        return PageRequest(request.path, {**request.params, **self._words(key)}, place)

    def _words(self, key: Sequence[str | int]) -> dict[str, str | int]:
        """Return what the parameters say of a key."""
        paging = self.paging
        if paging.expression is None:
            return dict(zip((paging.param, *paging.ties), key, strict=False))
        names = {"last": key[0], **dict(zip(paging.ties, key[1:], strict=True))}
        if any(quote in str(part) for part in key for quote in "'\"\\"):
            message = f"its last record has a quote or a backslash at {self._named}: a filter's text cannot hold it"
            raise PageError(message)
        text = paging.expression.format_map(names)
        return {paging.param: text if self.said is None else f"{self.said}{paging.joined}{text}"}

    @property
    def _named(self) -> str:
        return " and ".join(spelled(path) for path in (self.paging.key, *self.paging.ties.values()))

    def _key(self, item: bytes) -> list[Any]:
        value = value_of(item)
        return [found_at(value, path) for path in (self.paging.key, *self.paging.ties.values())]

    def _checked_key(self, item: bytes) -> list[str | int]:
        key = self._key(item)
        for part, path in zip(key, (self.paging.key, *self.paging.ties.values()), strict=True):
            if isinstance(part, bool) or not isinstance(part, str | int):
                message = f"its last record has neither text nor number at {spelled(path)}"
                raise PageError(message)
        return key


@dataclass(slots=True)
class _ByScroll(_Step):
    """The source moves on by itself; a place is the number of records before it."""

    paging: StatefulScroll
    received: int = 0

    def first(self, path: str, params: Params) -> PageRequest:
        self.received = 0
        return PageRequest(path, _sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        self.received += len(page.items)
        says_more = _says(self.paging, page)
        if not (page.items if says_more is None else says_more):
            return None
        if not page.items:
            message = "it says that more follows but is empty"
            raise PageError(message)
        scroll = found_at(page.values, self.paging.scroll)
        params = dict(request.params)
        if self.paging.param is not None and isinstance(scroll, str | int):
            params[self.paging.param] = scroll
        return PageRequest(request.path, params, f"{scroll or 'scroll'}:{self.received}")


class _Single(_Step):
    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, params)

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        return None
