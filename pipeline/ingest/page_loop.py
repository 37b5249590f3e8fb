"""The one page loop: asks for page after page as a profile says, and holds what comes against it.

Belongs here: the request that a page's parameters make, pages that contradict the profile, what of a page is landed.
Does not belong here: where a pull starts (``pipeline.ingest.places``), the whole stream (``pipeline.ingest.rest``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from pipeline.canonical import sha256_hex
from pipeline.errors import SourceError
from pipeline.ingest.ahead import Ahead
from pipeline.ingest.client import Answer, GoneError, ReadRequest, RestClientProtocol
from pipeline.ingest.feeds import StartAgain
from pipeline.ingest.header_paths import headers_named, with_headers
from pipeline.ingest.nested import Cut, cut_records
from pipeline.ingest.page_requests import IncompleteError, PageRequest, Params
from pipeline.ingest.pages import CutPage, Item, Page, PageError, Unreadable
from pipeline.ingest.paging import Counted, Strategy, strategy_of
from pipeline.ingest.paths import found_at, parse_path, put_at, spelled
from pipeline.ingest.personal import Cutter, unkept
from pipeline.ingest.places import Progress
from pipeline.ingest.profile_paging import StatefulScroll, TimeWindows, Within
from pipeline.ingest.profile_path import with_params
from pipeline.ingest.profile_stream import Source
from pipeline.instants import parse_instant

MAX_EMPTY_PAGES: Final = 100
OUTSIDE_KEPT: Final = 8
_NO_PAGE: Final = Cut(CutPage([], b"null", {}))


class TooFullError(Exception):
    """A window has more records than the source gives of one: it has to be halved."""


@dataclass
class PageLoop:
    """One stream's pages.

    ``around`` cuts what is personal beside the records. ``at_once``: as many may be asked for ahead. ``declared`` is
    the earliest watermark that they named; ``is_cut_short`` = the end was not seen. ``outside``: some elements that
    hold records, and are not kept. ``given``: what all records inherit that come now.
    """

    name: str
    stream: str
    source: str
    profile: Source
    client: RestClientProtocol
    progress: Progress
    cutter: Cutter | None
    around: Cutter | None
    is_from_everything: bool
    at_once: int = 1
    declared: datetime | None = None
    is_cut_short: bool = False
    outside: list[bytes] = field(default_factory=list)
    given: Mapping[str, Any] = field(default_factory=dict)

    def pages(self, path: str, params: Params, paging: Within, windows: TimeWindows | None = None) -> Iterator[Page]:
        """Ask for page after page until the feed says that this was the last.

        Raises:
            SourceError: a page cannot be had, is not what the profile says, or the pages go in a circle.
            StartAgain: the place that we were at is gone.
            TooFullError: the window holds more than ``windows`` allows.

        """
        strategy = strategy_of(paging)
        with Ahead(lambda request: self._get(request, paging), self.at_once) as ahead:
            yield from self._pages(strategy, ahead, strategy.first(path, params), Counted(paging), windows)

    def _pages(
        self, strategy: Strategy, ahead: Ahead, first: PageRequest, counted: Counted, windows: TimeWindows | None
    ) -> Iterator[Page]:
        headers = headers_named((counted.paging, windows), self.profile)
        request: PageRequest | None = first
        seen: set[str | None] = set()
        empty_pages = 0
        before: Sequence[bytes] = ()
        while request is not None:
            if request.place in seen:
                reason = "its pages go in a circle: a page named one that was read before"
                raise self.wrong(reason)
            seen.add(request.place)
            answer = ahead.get(request)
            try:
                cut = cut_records(answer.body, self.profile, answer.parts) if answer.verdict == "page" else _NO_PAGE
                cut = Cut(with_headers(cut.page, answer, headers), cut.keys)
                page, records = cut.page, cut.records(self.profile, self.given)
                following = self._following(strategy, counted, request, answer, page)
                is_enough = self.progress.note(answer, _of_records(page, records))
                if following is None and not is_enough and answer.verdict != "quarantined":
                    counted.end()
                self._note_watermark(page)
            except IncompleteError as error:
                raise StartAgain from error
            except PageError as error:
                raise self.wrong(str(error), error.answered) from error
            if windows is not None and request.place is None:
                _raise_if_too_full(page, windows)
            # Rows that were inserted move the others on: what was asked for before that may lack those at its border.
            if ahead.is_under_way and not set(before).isdisjoint(page.items):
                ahead.forget()
            before = page.items
            empty_pages = 0 if page.items else empty_pages + 1
            if empty_pages > MAX_EMPTY_PAGES:
                reason = f"{empty_pages} empty pages came one after another"
                raise self.wrong(reason)
            if following is not None and not is_enough and following.place not in seen:
                ahead.expect([following, *strategy.coming(following, page, self.at_once - 1)])
            yield self._page(answer, page, records, request, following)
            request = None if is_enough else following

    @staticmethod
    def _following(
        strategy: Strategy, counted: Counted, request: PageRequest, answer: Answer, page: CutPage
    ) -> PageRequest | None:
        if answer.verdict != "page":
            return None
        counted.add(page)
        return strategy.after(request, answer, page)

    def wrong(self, reason: str, answered: bytes = b"") -> SourceError:
        """Return the error that a page is; ``answered`` = what of it says why."""
        message = (
            f"Fetching {self.stream} from {self.name} ({self.source}) gave a page that is not what the "
            f"profile says: {reason}. Correct the profile, or ask the operator of the source."
        )
        error = SourceError(message, is_transient=False)
        error.answered = answered
        return error

    def _get(self, request: PageRequest, paging: Within) -> Answer:
        try:
            return self.client.ask(self._request(request, paging), what=self.stream)
        except GoneError as error:
            if request.place is not None:
                raise StartAgain(is_full=getattr(paging, "on_expired", "restart") == "full_refresh") from error
            if self.is_from_everything:
                raise
            raise StartAgain(is_full=True) from error
        except SourceError as error:
            # Where the source moves on by itself, an answer that was lost is a page that was lost.
            if isinstance(paging, StatefulScroll) and error.is_transient:
                raise StartAgain from error
            raise

    def _request(self, request: PageRequest, paging: Within) -> ReadRequest:
        profile = self.profile
        query = dict(profile.query)
        body = None
        path, params = (
            (request.path, request.params)
            if request.is_link
            else with_params(request.path, request.params, profile.path_params)
        )
        if profile.is_posted:
            body = self._body(params)
        elif not request.is_link:
            query |= {name: str(value) for name, value in params.items()}
        return ReadRequest(
            path=path,
            query=() if request.is_link else tuple(query.items()),
            body=body,
            headers=profile.headers,
            takes_nothing="no_content" in paging.stop,
            is_repeatable=not isinstance(paging, StatefulScroll),
            rules=profile.errors,
        )

    def _body(self, params: Params) -> bytes:
        profile = self.profile
        if profile.graphql is not None:
            words: Any = copy.deepcopy(dict(profile.graphql.variables))
            body: Any = {"query": profile.graphql.query, "variables": words}
        else:
            body = words = copy.deepcopy(dict(profile.body or {}))
        try:
            for name, value in params.items():
                put_at(words, parse_path(name), value)
        except ValueError as error:
            raise self.wrong(str(error)) from error
        return msgspec.json.encode(body)

    def _note_watermark(self, page: CutPage) -> None:
        """Keep the earliest watermark of the pages: a later page's says nothing of what the first one missed."""
        path = self.profile.watermark
        text = None if path is None else found_at(page.values, path)
        if path is None or text is None:
            return
        try:
            declared = parse_instant(text)
        except (ValueError, TypeError) as error:
            message = f"its {spelled(path)} is not an instant with an offset"
            raise PageError(message) from error
        self.declared = declared if self.declared is None else min(self.declared, declared)

    def _page(
        self,
        answer: Answer,
        page: CutPage,
        records: Sequence[Item],
        request: PageRequest,
        following: PageRequest | None,
    ) -> Page:
        items = self._items(answer, records)
        asked = urlencode(request.params) if self.profile.is_posted else urlencode(answer.query)
        method = "POST" if self.profile.is_posted else "GET"
        facts = {"method": method, "path": urlsplit(answer.url).path, "query": asked}
        left_out = len(records) - len(items) if answer.verdict == "page" else 0
        if left_out:
            facts["left_out"] = str(left_out)
        if self.profile.nested:
            facts["listed"] = str(len(page.items))
            self.outside += page.items[: OUTSIDE_KEPT - len(self.outside)]
        return Page(
            items=items,
            body_sha256=sha256_hex(answer.body),
            request=facts,
            received_at=answer.received_at,
            origin=answer.url,
            status=answer.status,
            server_date=answer.headers.get("date"),
            cursor_in=request.place,
            cursor_out=None if following is None else following.place,
            envelope=page.envelope if self.around is None else self.around.cut_around(page.envelope),
            listed=page.listed if items is page.items else None,
        )

    def _items(self, answer: Answer, records: Sequence[Item]) -> Sequence[Item]:
        if answer.verdict == "quarantined":
            self.is_cut_short = True
            reason = f"an answer with {answer.status} that the profile says to quarantine"
            return [Unreadable(answer.body, reason) if self.cutter is None else unkept(answer.body, reason)]
        kept = [item for item in records if self._belongs(item)] if self.progress.is_choosy else records
        if self.profile.keep:
            kept = [item for item in kept if self._is_kept(item)]
        return kept if self.cutter is None else [self.cutter.cut(item) for item in kept]

    def _belongs(self, item: Item) -> bool:
        return isinstance(item, Unreadable) or self.progress.belongs(item)

    def _is_kept(self, item: Item) -> bool:
        """Say whether a record is of this stream; one that nobody can read is, so that it is quarantined."""
        value = None if isinstance(item, Unreadable) else _decoded(item)
        return value is None or all(condition.holds(value) for condition in self.profile.keep)


def _of_records(page: CutPage, records: Sequence[Item]) -> CutPage:
    """Return a page with its records in the place of what it lists."""
    if records is page.items:
        return page
    return replace(page, items=[item for item in records if isinstance(item, bytes)], listed=None)


def _raise_if_too_full(page: CutPage, windows: TimeWindows) -> None:
    count: Any = len(page.items) if windows.total is None else found_at(page.values, windows.total)
    if windows.most is not None and isinstance(count, int) and count >= windows.most:
        raise TooFullError


def _decoded(item: bytes) -> Any:
    try:
        return msgspec.json.decode(item)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
