"""How to get from one page to the next: small strategies, driven by the one loop in ``pipeline.ingest.rest``.

Belongs here: the request of the first page and, from an answer, the next one or the end. Does not
belong here: asking (``resources.rest``), the loop, records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urljoin

from pipeline.ingest.client import Answer
from pipeline.ingest.pages import CutPage, PageError, value_at
from pipeline.ingest.profile import (
    CursorPaging,
    LinkPaging,
    OffsetPaging,
    PageNumberPaging,
    Paging,
    SinglePage,
)

_NEXT_LINK: Final = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel\s*=\s*"?next"?')


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for; ``place`` names it among the stream's pages (None = the first)."""

    path: str
    query: Mapping[str, str]
    place: str | None = None


class Strategy(Protocol):
    """One way of paging."""

    def first(self, path: str, query: Mapping[str, str]) -> PageRequest:
        """Return the first page's request."""

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:
        """Return the next page's request, None at the end.

        Raises:
            PageError: the page contradicts itself about what comes next.

        """


def strategy_of(paging: Paging) -> Strategy:
    """Return the strategy that a profile names."""
    match paging:
        case CursorPaging():
            return _ByCursor(paging)
        case PageNumberPaging():
            return _ByCount(paging, start=paging.first)
        case OffsetPaging():
            return _ByCount(paging, start=0)
        case LinkPaging():
            return _ByLink(paging)
        case SinglePage():
            return _Single()


def _sized(query: Mapping[str, str], param: str | None, size: int) -> dict[str, str]:
    return {**query, param: str(size)} if param else dict(query)


def _says_more(page: CutPage, path: tuple[str, ...]) -> bool:
    says = value_at(page.values, path)
    if not isinstance(says, bool):
        message = f"it has no true or false at {'.'.join(path)}"
        raise PageError(message)
    return says


@dataclass(frozen=True, slots=True)
class _ByCursor:
    paging: CursorPaging

    def first(self, path: str, query: Mapping[str, str]) -> PageRequest:
        return PageRequest(path, _sized(query, self.paging.size_param, self.paging.size))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        cursor = value_at(page.values, self.paging.cursor)
        if cursor is not None and not isinstance(cursor, str | int):
            message = f"its {'.'.join(self.paging.cursor)} is neither text nor null"
            raise PageError(message)
        if self.paging.has_more is not None:
            if not _says_more(page, self.paging.has_more):
                return None
            if cursor in (None, ""):
                message = "it says that more follows but names no cursor"
                raise PageError(message)
        elif cursor in (None, ""):
            return None
        return PageRequest(request.path, {**request.query, self.paging.param: str(cursor)}, str(cursor))


@dataclass(frozen=True, slots=True)
class _ByCount:
    """Page numbers and offsets: counted by us, so the source's own size of a page does not matter."""

    paging: PageNumberPaging | OffsetPaging
    start: int

    def first(self, path: str, query: Mapping[str, str]) -> PageRequest:
        sized = _sized(query, self.paging.size_param, self.paging.size)
        return PageRequest(path, {**sized, self.paging.param: str(self.start)})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        has_more = self.paging.has_more
        if not page.items if has_more is None else not _says_more(page, has_more):
            return None
        step = 1 if isinstance(self.paging, PageNumberPaging) else len(page.items)
        if step == 0:
            message = "it says that more follows but is empty"
            raise PageError(message)
        place = str(int(request.query[self.paging.param]) + step)
        return PageRequest(request.path, {**request.query, self.paging.param: place}, place)


@dataclass(frozen=True, slots=True)
class _ByLink:
    paging: LinkPaging

    def first(self, path: str, query: Mapping[str, str]) -> PageRequest:
        return PageRequest(path, _sized(query, self.paging.size_param, self.paging.size))

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        link: Any
        if self.paging.link is None:
            match = _NEXT_LINK.search(answer.headers.get("link", ""))
            link = match.group(1) if match else None
        else:
            link = value_at(page.values, self.paging.link)
        if link is None or link == "":
            return None
        if not isinstance(link, str):
            message = "its next link is not text"
            raise PageError(message)
        target = urljoin(answer.url, link)
        return PageRequest(target, {}, target)


class _Single:
    def first(self, path: str, query: Mapping[str, str]) -> PageRequest:
        return PageRequest(path, query)

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        return None
