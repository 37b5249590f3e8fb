"""The ``rest`` connection: one stream of a tenant's HTTP API at one turn, read as its profile says.

Belongs here: where a pull starts, what belongs to it besides the stream itself, what it ends with. Does not belong
here: HTTP (``resources.rest``), one way into the stream (``pipeline.ingest.source``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.canonical import sha256_hex
from pipeline.errors import ConfigurationError
from pipeline.ingest.absence import Snapshot
from pipeline.ingest.client import RestClientProtocol
from pipeline.ingest.feeds import FeedEnd, Part, Reading, SeenFiles
from pipeline.ingest.landed import Pulled
from pipeline.ingest.memory import Memory
from pipeline.ingest.page_loop import PageLoop
from pipeline.ingest.pages import Page
from pipeline.ingest.personal import Cutter
from pipeline.ingest.places import progress_of
from pipeline.ingest.profile import Profile
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_mapping import Absence
from pipeline.ingest.profile_records import Records
from pipeline.ingest.profile_stream import Asked, DeletionFeed, Each, Source, StreamProfile
from pipeline.ingest.reading import also_mapping, feed_mapping, key_paths, known_fields, mapping_of, marked_mapping
from pipeline.ingest.resuming import Way, began, begin_of, kind_of, start_of
from pipeline.ingest.source import HELD_BYTES, SourceReader, Span, filled
from pipeline.ingest.windows import Window
from pipeline.instants import format_instant
from pipeline.ledger.turns import Turn
from pipeline.settings import RestConnection
from pipeline.streams import STREAMS

PSEUDONYM_KEY: Final = "pseudonym_key"
_OF_A_FEED: Final = ("method", "path", "query", "body", "graphql", "keep", "paging")


@dataclass(frozen=True, slots=True)
class Past:
    """What is known from earlier pulls; ``is_full`` = ask for everything all the same, ``window`` = for that alone.

    ``is_trial`` = pages are passed on as they come, for a few of them are enough.
    """

    last: Pulled | None = None
    memory: Memory | None = None
    is_full: bool = False
    window: Window | None = None
    is_trial: bool = False


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
        past: Past,
    ) -> None:
        """Work out where to start; nothing is asked yet.

        Raises:
            ConfigurationError: the connection lacks a variable of the path, or the key that pseudonyms need.

        """
        self._name = name
        self._connection = connection
        self._client = client
        self._profile = profile.of_stream(stream)
        self._at_once = profile.limits.concurrency
        self._stream = STREAMS[stream]
        self._turn = turn
        self._past = past
        self._source = connection.base_url.rstrip("/") + self._filled(self._profile)
        by = self._profile.incremental
        self._lag = by.safety_lag if isinstance(by, ByInstant) else timedelta(0)
        self._start = start_of(by, self._source, turn, None if past.is_full else past.last)
        self._span = Span(self._start.since, turn.now - self._lag)
        if past.window is not None:
            self._span = Span(format_instant(past.window.since), past.window.until)
        self._cutter = _cutter(name, connection, self._profile)
        self._main = self._reader(self._profile)
        self._others = [self._reader(other) for other in self._profile.also]
        deletions = self._profile.deletions
        self._gone = self._deletion_reader(deletions) if isinstance(deletions, DeletionFeed) else None
        self._doubt: str | None = None
        self._seen: SeenFiles | None = past.last.seen_files if past.last else None
        self._begins = began(past.last)
        self._snapshot = self._expected_snapshot()
        self._parts: list[Part] = []
        self._count = 0

    def pages(self) -> Iterator[Page]:
        """Yield the stream's pages, those of its further sources, then those of its deletions.

        Raises:
            SourceError: a page cannot be had, is not what the profile says, or the pages go in a circle.
            StartAgain: the place that we were at is gone.

        """
        for page in self._main.pages():
            self._count += 1
            if self._snapshot is not None:
                self._snapshot.add(page.items)
            yield page
        for other in self._others:
            yield from self._part(other.pages(), also_mapping(other.source))
        deletions = self._profile.deletions
        if isinstance(deletions, DeletionFeed) and self._gone is not None:
            yield from self._part(self._gone.pages(), feed_mapping(self._stream, deletions))
        elif self._snapshot is not None and self._past.memory is not None and not self._is_cut_short:
            yield from self._settled(self._snapshot, self._past.memory)

    @property
    def reading(self) -> Reading:
        """How its records are read."""
        return Reading(mapping_of(self._stream, self._profile), known_fields(self._stream, self._profile))

    @property
    def outside(self) -> Sequence[bytes]:
        """Some elements that hold its records, where records are nested in them: for whoever tries a profile."""
        return self._main.loop.outside

    def end(self) -> FeedEnd:
        """Say up to when the stream is had now, and where the next pull starts."""
        watermark = self._watermark()
        is_whole = not self._is_cut_short
        reading = self.reading
        return FeedEnd(
            reached_end=is_whole,
            watermark=watermark if is_whole else None,
            is_snapshot=is_whole and self._asked_for_everything() and self._profile.snapshots and self._doubt is None,
            cursor=self._next_place(watermark) if is_whole else self._last_cursor(),
            seen_files=self._seen,
            mapping=reading.mapping,
            parts=self._parts,
            known_fields=reading.known_fields,
            notes=[self._doubt] if self._doubt else [],
        )

    @property
    def _is_cut_short(self) -> bool:
        return any(reader.loop.is_cut_short for reader in (self._main, *self._further))

    @property
    def _further(self) -> Sequence[SourceReader]:
        """The further ways into the stream, and the list of its deletions."""
        return (*self._others, *((self._gone,) if self._gone else ()))

    def _filled(self, source: Source) -> str:
        later = (*source.path_params, *(source.each.gives if source.each else ()))
        return filled(self._name, source.path, self._stream.name, dict(self._connection.variables), later)

    def _reader(self, source: Source) -> SourceReader:
        path = self._filled(source)
        address = self._connection.base_url.rstrip("/") + path
        span = self._span
        if self._goes_on_by_itself(source):
            span = Span(self._start.of_way(address, source.incremental), span.until)
        loop = PageLoop(
            name=self._name,
            stream=self._stream.name,
            source=address,
            profile=source,
            client=self._client,
            progress=progress_of(source.incremental, span.place, span.until),
            cutter=self._cutter,
            around=self._around(source),
            is_from_everything=span.place is None,
            at_once=self._at_once,
        )
        listing = None if source.each is None else self._listing(source.each)
        return SourceReader(loop, path, span, listing, held_bytes=0 if self._past.is_trial else HELD_BYTES)

    def _listing(self, each: Each) -> SourceReader:
        """Return the reader of the list for each of whose elements a way is asked; nothing of it is kept."""
        source = Source(path=each.path, **{name: getattr(each, name) for name in Asked.model_fields})
        return self._reader(source)

    def _goes_on_by_itself(self, source: Source) -> bool:
        """Say whether a way has a place of its own, and not the stream's: it has where both are not by instants."""
        by = source.incremental
        is_shared = isinstance(by, ByInstant) and isinstance(self._profile.incremental, ByInstant)
        return source is not self._profile and by is not None and not is_shared

    def _around(self, source: Source) -> Cutter | None:
        """Return what cuts a page beside its records."""
        paths = self._profile.cut_around(source)
        return Cutter(paths, _pseudonym_key(self._connection)) if paths else None

    def _deletion_reader(self, feed: DeletionFeed) -> SourceReader:
        by = self._profile.incremental if feed.incremental is None else feed.incremental
        return self._reader(
            Source(
                **{name: getattr(feed, name) for name in (*Records.model_fields, *_OF_A_FEED)},
                headers=self._profile.headers if feed.headers is None else feed.headers,
                errors=self._profile.errors if feed.errors is None else feed.errors,
                incremental=by if feed.incremental is not None or isinstance(by, ByInstant) else None,
            )
        )

    def _part(self, pages: Iterable[Page], mapping: Mapping[str, Any]) -> Iterator[Page]:
        """Yield pages that are read with a mapping of their own."""
        first = self._count + 1
        for page in pages:
            self._count += 1
            yield replace(page, is_own=False)
        if self._count >= first:
            self._parts.append(Part(str(first), str(self._count), mapping))

    def _settled(self, snapshot: Snapshot, memory: Memory) -> Iterator[Page]:
        self._doubt = snapshot.doubt()
        if self._doubt is None:
            marked, kept = snapshot.settle(memory.find)
            self._seen, self._begins = memory.write(kept), begin_of(self._profile.incremental)
            if marked:
                yield from self._part([self._marked_page(marked)], marked_mapping(self._stream, self._profile))

    def _marked_page(self, marked: Sequence[bytes]) -> Page:
        return Page(
            items=list(marked),
            body_sha256=sha256_hex(b"\n".join(marked)),
            request={"method": "compare snapshots", "path": self._main.path},
            received_at=self._turn.known_at,
            origin=self._source,
        )

    def _expected_snapshot(self) -> Snapshot | None:
        deletions, memory = self._profile.deletions, self._past.memory
        if not isinstance(deletions, Absence) or memory is None or not self._begins_anew:
            return None
        paths = key_paths(self._stream, self._profile)
        # From another beginning other records are missing, and not because they are gone.
        is_comparable = self._begins == begin_of(self._profile.incremental)
        return Snapshot(paths, memory.read() if is_comparable else {}, self._turn.now, deletions.max_drop)

    @property
    def _begins_anew(self) -> bool:
        return not any(reader.span.place is not None for reader in (self._main, *self._others))

    def _asked_for_everything(self) -> bool:
        by = self._profile.incremental
        return self._begins_anew and (by is None or getattr(by, "start", None) is None)

    def _watermark(self) -> datetime:
        declared = [reader.loop.declared for reader in (self._main, *self._others) if reader.loop.declared is not None]
        # Nothing is whole beyond now, whatever a clock that goes wrong may declare.
        return (
            min(*declared, self._turn.now) if declared else self._turn.now - max(self._connection.safety_lag, self._lag)
        )

    def _last_cursor(self) -> str | None:
        return self._past.last.cursor if self._past.last else None

    def _next_place(self, watermark: datetime) -> str | None:
        own = [reader for reader in self._further if self._goes_on_by_itself(reader.source)]
        places = [(reader.loop, reader.loop.progress.next_place(watermark)) for reader in own]
        ways = [
            Way(loop.source, kind_of(loop.profile.incremental), place) for loop, place in places if place is not None
        ]
        return self._start.kept(self._turn, self._main.loop.progress.next_place(watermark), ways, self._begins)


def _cutter(name: str, connection: RestConnection, profile: StreamProfile) -> Cutter | None:
    paths, key = profile.personal_paths, _pseudonym_key(connection)
    if not key and "pseudonymise" in {*paths.values(), *profile.cut_around(profile).values()}:
        message = (
            f"Connection {name} makes pseudonyms and needs a key for them, the same for all connections: write "
            f"secrets: {{{PSEUDONYM_KEY}: ${{NAME_OF_THE_VARIABLE}}}}."
        )
        raise ConfigurationError(message)
    return Cutter(paths, key) if paths else None


def _pseudonym_key(connection: RestConnection) -> bytes:
    key = connection.secrets.get(PSEUDONYM_KEY)
    return b"" if key is None else key.get_secret_value().encode()
