"""The pull: every stream of a connection, from its feed to durable chunks and one journal entry.

Belongs here: the order of things (bytes durable, then the journal), several streams at once, what a
failing stream means for the others. Does not belong here: how a source is read (``pipeline.ingest.files``,
``pipeline.ingest.rest``), files (``pipeline.ingest.landing``).

A stream's ``stream_pulled`` entry is its commit point; a turn that is resumed pulls only what has none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from pipeline.errors import ConfigurationError, SourceError, StateError
from pipeline.home import Home
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.client import RestClientProtocol
from pipeline.ingest.feeds import Feed, FeedEnd, Reading, StartAgain
from pipeline.ingest.files import FilesFeed
from pipeline.ingest.landed import STREAM_FAILED, STREAM_PULLED, LandedChunk, Pulled, last_pulls
from pipeline.ingest.landing import StreamWriter
from pipeline.ingest.memory import Memory
from pipeline.ingest.pages import Page
from pipeline.ingest.profile import Profile, load_profile
from pipeline.ingest.profile_mapping import Absence
from pipeline.ingest.quarantine import release_pages
from pipeline.ingest.reading import key_paths
from pipeline.ingest.reconciling import found_pages
from pipeline.ingest.rest import Past, RestFeed
from pipeline.instants import format_instant
from pipeline.ledger.journal import Journal, Value
from pipeline.ledger.turns import Turn
from pipeline.settings import FilesConnection, RestConnection, Settings
from pipeline.streams import STREAMS

STREAMS_AT_ONCE: Final = 3
_MAX_STARTS: Final = 3

ClientFactory: TypeAlias = Callable[[str, RestConnection, Profile], RestClientProtocol]
Progress: TypeAlias = Callable[[str, int], None]
OnChunk: TypeAlias = Callable[[LandedChunk], None]


class FeedOf(Protocol):
    """Makes a stream's feed; ``is_full`` = one that asks for everything."""

    def __call__(self, stream: str, *, is_full: bool) -> Feed:
        """Return the feed; nothing is asked yet."""


@dataclass(frozen=True, slots=True)
class PullOutcome:
    """What a connection gave: records per stream, why the others gave none, and how the records look."""

    pulled: Mapping[str, int]
    failed: Mapping[str, SourceError]
    shapes: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


def pull_connection(  # noqa: PLR0913 - the places that a pull works in are many
    name: str,
    settings: Settings,
    home: Home,
    journal: Journal,
    turn: Turn,
    *,
    client_factory: ClientFactory,
    streams: Sequence[str] | None = None,
    on_progress: Progress | None = None,
    lock: threading.Lock | None = None,
    on_chunk: OnChunk | None = None,
) -> PullOutcome:
    """Pull the streams of a connection that this turn does not have yet.

    ``on_chunk`` is told, in a thread of the pull, of chunks that are durable and which the journal may come to name.
    ``lock`` serialises the journal where connections are pulled at once. A stream that cannot be
    read is recorded as failed and does not hold up the others.

    Raises:
        ConfigurationError: the connection's profile is wrong, or it does not serve a stream asked for.
        StateError: the state folder refused or contradicts itself.

    """
    served = settings.streams_of(name)
    wanted = served if streams is None else tuple(streams)
    if unknown := sorted(set(wanted) - set(served)):
        message = f"Connection {name} does not serve {', '.join(unknown)}; it serves {', '.join(served)}."
        raise ConfigurationError(message)
    connection = settings.connections[name]
    last = last_pulls(journal)
    puller = _Puller(name, home, journal, turn, lock or threading.Lock(), on_progress or _quietly, last, on_chunk)
    if isinstance(connection, FilesConnection):
        return puller.pull_files(wanted, connection, settings.folder / connection.path)
    profile = load_profile(settings.folder / connection.profile)
    client = client_factory(name, connection, profile)
    try:
        return puller.pull_rest(wanted, connection, profile, client)
    finally:
        client.close()


class _Stopped(Exception):  # noqa: N818 - not an error: somebody asked to stop
    """Another stream met something that ends the whole pull."""


@dataclass(frozen=True, slots=True)
class _Puller:
    """One connection's pull at one turn."""

    connection: str
    home: Home
    journal: Journal
    turn: Turn
    lock: threading.Lock
    on_progress: Progress
    last: Mapping[str, Pulled]
    on_chunk: OnChunk | None = None
    shapes: dict[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)

    def pull_files(self, streams: Sequence[str], connection: FilesConnection, root: Path) -> PullOutcome:
        """Pull streams from folders."""

        def feed(stream: str, *, is_full: bool) -> Feed:  # noqa: ARG001 - files know no places
            seen = self.last[stream].seen_files if stream in self.last else None
            return FilesFeed(self.connection, connection, root, stream, turn=self.turn, home=self.home, last_seen=seen)

        return self._pull_all(streams, feed)

    def pull_rest(
        self, streams: Sequence[str], connection: RestConnection, profile: Profile, client: RestClientProtocol
    ) -> PullOutcome:
        """Pull streams over HTTP."""

        def feed(stream: str, *, is_full: bool) -> Feed:
            last = self.last.get(stream)
            own = profile.of_stream(stream)
            paths = key_paths(STREAMS[stream], own)
            memory = Memory(self.home, self.journal, self.lock, self.turn, stream, last, paths)
            past = Past(last, memory if isinstance(own.deletions, Absence) else None, is_full)
            return RestFeed(self.connection, connection, profile, client, stream, turn=self.turn, past=past)

        return self._pull_all(streams, feed)

    def _pull_all(self, streams: Sequence[str], feed_of: FeedOf) -> PullOutcome:
        """Pull several streams at once; whatever is no fault of a source ends all of them."""
        done = {s: self.last[s].records for s in streams if s in self.last and self.last[s].turn == self.turn.number}
        failed: dict[str, SourceError] = {}
        stop = threading.Event()
        with ThreadPoolExecutor(STREAMS_AT_ONCE, thread_name_prefix=f"pull-{self.connection}") as threads:
            futures = {
                threads.submit(self._pull, stream, feed_of, stop): stream for stream in streams if stream not in done
            }
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                if any(future.done() and future.exception() for future in futures) or not all(
                    future.done() for future in futures
                ):
                    stop.set()
                    threads.shutdown(cancel_futures=True)
        for future, stream in futures.items():
            if not future.cancelled() and not isinstance(future.exception(), _Stopped):
                result = future.result()
                if isinstance(result, SourceError):
                    failed[stream] = result
                else:
                    done[stream] = result
        return PullOutcome(done, failed, self.shapes)

    def _pull(self, stream: str, feed_of: FeedOf, stop: threading.Event) -> int | SourceError:
        try:
            return self._pull_stream(stream, feed_of, stop)
        except SourceError as error:
            data: dict[str, Value] = {
                "turn": str(self.turn.number),
                "connection": self.connection,
                "error": str(error),
                "is_transient": error.is_transient,
            }
            self._journal(STREAM_FAILED, stream, data)
            return error

    def _pull_stream(self, stream: str, feed_of: FeedOf, stop: threading.Event) -> int:
        with StreamWriter(self.home.landing, STREAMS[stream].system, stream, self.turn.number) as writer:
            feed = self._write_pages(stream, feed_of, writer, stop)
            records, self.shapes[stream] = writer.records, writer.shape
            chunks = writer.finish()
            self._journal(STREAM_PULLED, stream, self._entry(chunks, feed.end()))
        return records

    def _write_pages(self, stream: str, feed_of: FeedOf, writer: StreamWriter, stop: threading.Event) -> Feed:
        is_full, reason = False, "its place is gone"
        for _ in range(_MAX_STARTS):
            feed = feed_of(stream, is_full=is_full)
            writer.on_chunk = self._teller(stream, feed.reading)
            try:
                for page in chain(feed.pages(), self._kept_pages(stream)):
                    writer.add(page)
                    self.on_progress(stream, writer.records)
                    if stop.is_set():
                        raise _Stopped
            except StartAgain as again:
                is_full, reason = is_full or again.is_full, str(again.__cause__ or reason).rstrip(".")
                writer.discard()
                continue
            return feed
        message = (
            f"Fetching {stream} from {self.connection} was begun {_MAX_STARTS} times, and each time the source "
            f"forgot the place before the end was reached or left records out ({reason}): try again later, or ask its "
            "operator."
        )
        raise SourceError(message, is_transient=True)

    def _teller(self, stream: str, reading: Reading) -> Callable[[Chunk], None] | None:
        """Return what tells of a chunk as the journal will name it, if all its pages are read alike."""
        told = self.on_chunk
        if told is None:
            return None
        known_fields = None if reading.known_fields is None else list(reading.known_fields)
        mapping = json.loads(json.dumps(dict(reading.mapping)))

        def tell(chunk: Chunk) -> None:
            landed = LandedChunk(
                chunk=chunk,
                system=STREAMS[stream].system.value,
                stream=stream,
                turn=self.turn.number,
                known_at=format_instant(self.turn.known_at),
                seq=0,
                is_snapshot=False,
                mapping=mapping,
                known_fields=known_fields,
            )
            told(landed)

        return tell

    def _kept_pages(self, stream: str) -> Iterator[Page]:
        """Yield what a person released from quarantine, and what a second pass over the source found."""
        with self.lock:
            yield from list(release_pages(self.home, self.journal, self.turn, stream))
            yield from list(found_pages(self.home, self.journal, self.turn, stream))

    def _entry(self, chunks: Sequence[Chunk], end: FeedEnd) -> dict[str, Value]:
        seen = end.seen_files
        return {
            "turn": str(self.turn.number),
            "connection": self.connection,
            "reached_end": end.reached_end,
            "is_snapshot": end.is_snapshot,
            "watermark": None if end.watermark is None else format_instant(end.watermark),
            "cursor": end.cursor,
            "chunks": [chunk.as_data() for chunk in chunks],
            "seen_files": None if seen is None else {name: str(value) for name, value in asdict(seen).items()},
            "mapping": dict(end.mapping),
            "parts": [asdict(part) | {"mapping": dict(part.mapping)} for part in end.parts],
            "known_fields": None if end.known_fields is None else list(end.known_fields),
            "notes": list(end.notes),
        }

    def _journal(self, kind: str, stream: str, data: dict[str, Value]) -> None:
        draft = self.turn.draft(kind, data, source=STREAMS[stream].system.value, source_id=stream)
        try:
            with self.lock:
                self.journal.append([draft])
        except OSError as error:
            message = (
                f"Cannot write the journal {self.journal.path}: {error.strerror}; make room there and run it again."
            )
            raise StateError(message) from error


def _quietly(stream: str, records: int) -> None:
    """Show nothing."""
