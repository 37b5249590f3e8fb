"""The ``rest`` connection: one stream of a tenant's HTTP API, read as its profile says.

Belongs here: the one page loop, where a pull starts and what it ends with. Does not belong here:
HTTP (``resources.rest``), kinds of paging (``pipeline.ingest.paging``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from pipeline.canonical import sha256_hex
from pipeline.errors import SourceError
from pipeline.ingest.client import Answer, GoneError, RestClientProtocol
from pipeline.ingest.feeds import FeedEnd, StartAgain
from pipeline.ingest.landed import Pulled
from pipeline.ingest.pages import CutPage, Page, PageError, cut_page, value_at
from pipeline.ingest.paging import PageRequest, strategy_of
from pipeline.ingest.profile import Incremental, Profile
from pipeline.instants import format_instant, parse_instant
from pipeline.ledger.turns import Turn
from pipeline.settings import RestConnection

MAX_EMPTY_PAGES: Final = 100


class _Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the next pull starts, kept as JSON text in the journal; void for another ``source``."""

    source: str
    changed_since: str
    full_at: str


class RestFeed:
    """One stream of one connection at one turn."""

    def __init__(  # noqa: PLR0913 - all of them are needed, none belongs to another
        self,
        name: str,
        connection: RestConnection,
        profile: Profile,
        client: RestClientProtocol,
        stream: str,
        *,
        turn: Turn,
        last: Pulled | None,
    ) -> None:
        """Work out where to start; nothing is asked yet."""
        self._name = name
        self._profile = profile.of_stream(stream)
        self._client = client
        self._stream = stream
        self._turn = turn
        self._safety_lag = connection.safety_lag
        self._path = self._profile.path.format(stream=stream)
        self._source = connection.base_url.rstrip("/") + self._path
        self._place = _start(self._profile.incremental, self._source, turn, last)
        self._declared: datetime | None = None

    def pages(self) -> Iterator[Page]:
        """Ask for page after page until the feed says that this was the last.

        Raises:
            SourceError: a page cannot be had, is not what the profile says, or the pages go in a circle.
            StartAgain: the place that we were at is gone.

        """
        strategy = strategy_of(self._profile.paging)
        request: PageRequest | None = strategy.first(self._path, self._query())
        seen: set[str | None] = set()
        empty_pages = 0
        while request is not None:
            if request.place in seen:
                reason = "its pages go in a circle: a page named one that was read before"
                raise self._wrong(reason)
            seen.add(request.place)
            answer = self._get(request)
            try:
                page = cut_page(answer.body, self._profile.records)
                following = strategy.after(request, answer, page)
                self._note_watermark(page)
            except PageError as error:
                raise self._wrong(str(error)) from error
            empty_pages = 0 if page.items else empty_pages + 1
            if empty_pages > MAX_EMPTY_PAGES:
                reason = f"{empty_pages} empty pages came one after another"
                raise self._wrong(reason)
            yield _page(answer, page, request, following)
            request = following

    def end(self) -> FeedEnd:
        """Say up to when the stream is had now, and where the next pull starts."""
        watermark = self._declared or self._turn.now - self._safety_lag
        return FeedEnd(
            reached_end=True,
            watermark=watermark,
            is_snapshot=self._asked_for_everything() and self._profile.snapshots,
            cursor=self._next_place(watermark),
            mapping=self._profile.mapping,
        )

    def _asked_for_everything(self) -> bool:
        incremental = self._profile.incremental
        return self._place is None and (incremental is None or incremental.start is None)

    def _query(self) -> dict[str, str]:
        query = dict(self._profile.query)
        incremental = self._profile.incremental
        if incremental is None:
            return query
        if self._place is not None:
            query[incremental.param] = self._place.changed_since
        elif incremental.start is not None:
            query[incremental.param] = format_instant(incremental.start)
        return query

    def _get(self, request: PageRequest) -> Answer:
        try:
            return self._client.get(request.path, tuple(request.query.items()), what=self._stream)
        except GoneError as error:
            if request.place is None:
                raise
            raise StartAgain from error

    def _note_watermark(self, page: CutPage) -> None:
        """Keep the earliest watermark of the pages: a later page's says nothing of what the first one missed."""
        if self._profile.watermark is None:
            return
        text = value_at(page.values, self._profile.watermark)
        if text is None:
            return
        try:
            declared = parse_instant(text)
        except (ValueError, TypeError) as error:
            message = f"its {'.'.join(self._profile.watermark)} is not an instant with an offset"
            raise PageError(message) from error
        self._declared = declared if self._declared is None else min(self._declared, declared)

    def _next_place(self, watermark: datetime) -> str | None:
        incremental = self._profile.incremental
        if incremental is None:
            return None
        full_at = format_instant(self._turn.now) if self._place is None else self._place.full_at
        place = _Place(self._source, format_instant(watermark - incremental.lookback), full_at)
        return msgspec.json.encode(place).decode()

    def _wrong(self, reason: str) -> SourceError:
        message = (
            f"Fetching {self._stream} from {self._name} ({self._source}) gave a page that is not what the "
            f"profile says: {reason}. Correct the profile, or ask the operator of the source."
        )
        return SourceError(message, is_transient=False)


def _start(incremental: Incremental | None, source: str, turn: Turn, last: Pulled | None) -> _Place | None:
    """Return where to start, None for a pull of everything."""
    if incremental is None or last is None or last.cursor is None or not last.reached_end:
        return None
    place = msgspec.json.decode(last.cursor, type=_Place)
    if place.source != source:
        return None
    every = incremental.full_every
    if every is not None and turn.now >= parse_instant(place.full_at) + every:
        return None
    return place


def _page(answer: Answer, page: CutPage, request: PageRequest, following: PageRequest | None) -> Page:
    path = urlsplit(answer.url).path
    return Page(
        items=page.items,
        body_sha256=sha256_hex(answer.body),
        request={"method": "GET", "path": path, "query": urlencode(answer.query)},
        received_at=answer.received_at,
        origin=answer.url,
        status=answer.status,
        server_date=answer.headers.get("date"),
        cursor_in=request.place,
        cursor_out=None if following is None else following.place,
        envelope=page.envelope,
    )
