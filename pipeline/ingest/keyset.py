"""Paging by the last record's key: the next page is what comes behind it.

Belongs here: the key, records that share one, what the request says of it. Does not belong here: other ways of paging
(``pipeline.ingest.paging``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from pipeline.ingest.client import Answer
from pipeline.ingest.page_requests import PageRequest, Params, Step, says_more_of, sized
from pipeline.ingest.pages import CutPage, PageError
from pipeline.ingest.paths import found_at, spelled
from pipeline.ingest.profile_paging import KeysetPaging
from pipeline.json_structure import value_of


@dataclass(slots=True)
class ByKey(Step):
    """One stream's pages, each behind the last record of the one before.

    ``full`` = the most records on a page that is known to have been cut off there.
    ``before`` = those of the page before, ``ties`` = how many at its end have the last one's key. ``said`` = what the
    parameter says of itself, where an expression follows it.
    """

    paging: KeysetPaging
    before: int = 0
    full: int = 0
    ties: int = 0
    said: str | int | None = None

    def first(self, path: str, params: Params) -> PageRequest:
        """Return the first page's request."""
        self.before = self.full = self.ties = 0
        self.said = params.get(self.paging.param)
        start = self.paging.start
        words = {} if start is None else self._words([start])
        return PageRequest(path, {**sized(self.paging, params), **words})

    def after(self, request: PageRequest, answer: Answer, page: CutPage) -> PageRequest | None:  # noqa: ARG002
        """Return the request of what comes behind the page's last record, None where nothing does.

        Raises:
            PageError: the record has no key, or others with its key may be lost behind it.

        """
        if not page.items or says_more_of(self.paging, page) is False:
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
