"""What all ways of paging share: one page's request, and what a page says of whether more follows.

Belongs here: these. Does not belong here: the ways themselves (``pipeline.ingest.paging``, ``keyset``), asking
(``resources.rest``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.ingest.pages import CutPage, PageError
from pipeline.ingest.paths import JsonPath, found_at, spelled
from pipeline.ingest.profile_paging import (
    CursorPaging,
    HeaderLinkPaging,
    JsonLinkPaging,
    KeysetPaging,
    OffsetPaging,
    PageNumberPaging,
    StatefulScroll,
)

Params: TypeAlias = Mapping[str, str | int]


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


Sized: TypeAlias = (
    CursorPaging | PageNumberPaging | OffsetPaging | HeaderLinkPaging | JsonLinkPaging | KeysetPaging | StatefulScroll
)


def sized(paging: Sized, params: Params) -> dict[str, str | int]:
    """Return the parameters with the page size, where the source is told it."""
    return {**params, paging.size_param: paging.size} if paging.size_param else dict(params)


def flag_of(page: CutPage, path: JsonPath) -> bool:
    """Return the true or false that a page has at a path.

    Raises:
        PageError: it has none there.

    """
    says = found_at(page.values, path)
    if not isinstance(says, bool):
        message = f"it has no true or false at {spelled(path)}"
        raise PageError(message)
    return says


def says_more_of(paging: Sized, page: CutPage) -> bool | None:
    """Return whether more follows, as far as the page says it: None where it says nothing."""
    if "empty" in paging.stop and not page.items:
        return False
    if "short" in paging.stop and len(page.items) < paging.size:
        return False
    if paging.ends is not None and flag_of(page, paging.ends):
        return False
    if paging.has_more is not None:
        return flag_of(page, paging.has_more)
    return None if paging.ends is None else True


class Step:
    """What a way of paging has that learns of a page only from the one before it."""

    __slots__ = ()

    def coming(self, request: PageRequest, page: CutPage, most: int) -> list[PageRequest]:  # noqa: ARG002
        """Return nothing: what comes behind the next page is not known before it is there."""
        return []
