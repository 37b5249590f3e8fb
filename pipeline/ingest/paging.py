"""How to get from one page to the next: small strategies, driven by the one loop in ``pipeline.ingest.rest``.

Belongs here: the request of the first page and, from an answer, the next one or the end. Does not belong here: what all
ways share (``page_requests``), keys of records (``keyset``), asking (``resources.rest``), the loop, records, windows
(``pipeline.ingest.windows``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urljoin

from pipeline.ingest.client import Answer
from pipeline.ingest.keyset import ByKey
from pipeline.ingest.page_requests import (
    IncompleteError,
    PageRequest,
    Params,
    Step,
    says_more_of,
    sized,
)
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

_NEXT_LINK: Final = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel\s*=\s*"?next"?')


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
            return ByKey(paging)
        case StatefulScroll():
            return _ByScroll(paging)
        case SinglePage():
            return _Single()


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


@dataclass(frozen=True, slots=True)
class _ByCursor(Step):
    paging: CursorPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:
        says_more = says_more_of(self.paging, page)
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
        return PageRequest(path, {**sized(self.paging, params), self.paging.param: self.paging.first})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        here = int(request.params[self.paging.param])
        says_more = says_more_of(self.paging, page)
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
        return PageRequest(path, {**sized(self.paging, params), self.paging.param: 0})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        next_at = int(request.params[self.paging.param]) + len(page.items)
        says_more = says_more_of(self.paging, page)
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
class _ByLink(Step):
    paging: HeaderLinkPaging | JsonLinkPaging

    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        says_more = says_more_of(self.paging, page)
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
class _ByScroll(Step):
    """The source moves on by itself; a place is the number of records before it."""

    paging: StatefulScroll
    received: int = 0

    def first(self, path: str, params: Params) -> PageRequest:
        self.received = 0
        return PageRequest(path, sized(self.paging, params))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        self.received += len(page.items)
        says_more = says_more_of(self.paging, page)
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


class _Single(Step):
    def first(self, path: str, params: Params) -> PageRequest:
        return PageRequest(path, params)

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        return None
