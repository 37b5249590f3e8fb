"""Reconciling: a stream read again at its source, independently of what was pulled, and held against what we have.

Belongs here: the second pass in a folder that is thrown away, the comparison in the warehouse, keeping what was missed.
Does not belong here: the entries and how missed records land (``pipeline.ingest.reconciling``), what is shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from pipeline.errors import ConfigurationError, SourceError
from pipeline.home import Home
from pipeline.ingest.chunks import Chunk
from pipeline.ingest.counting import count_at_source
from pipeline.ingest.feeds import Feed, StartAgain
from pipeline.ingest.files import FilesFeed
from pipeline.ingest.landed import LandedChunk
from pipeline.ingest.landing import StreamWriter, raw_lines
from pipeline.ingest.profile import Profile, load_profile
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_mapping import FieldRule
from pipeline.ingest.profile_stream import END_FIELDS, StreamProfile
from pipeline.ingest.reading import mapping_of
from pipeline.ingest.reconciling import (
    MISSING_HERE,
    NOT_AT_SOURCE,
    OTHER_CONTENT,
    Difference,
    Reconciled,
    journal_pass,
    keep_found,
    next_number,
)
from pipeline.ingest.rest import Past, RestFeed
from pipeline.ingest.windows import Window
from pipeline.instants import format_instant
from pipeline.settings import FilesConnection, RestConnection
from pipeline.sqlmodels.landed_rows import landing_select
from pipeline.sqlmodels.relations import Connection, empty_catalog
from pipeline.sqlmodels.runner import create_table
from pipeline.streams import STREAMS
from resources.rest import RestClient, make_client
from resources.workspace import Workspace

_SCOPE: Final = "asked"
# When a record came into being or changed, by the source's clock.
_STAMPS: Final = (
    "created_at",
    "updated_at",
    "recorded_at",
    "occurred_at",
    "status_at",
    "posted_at",
    "added_at",
    "removed_at",
    "joined_at",
    "opened_at",
    "completed_at",
    "deleted_at",
    "left_at",
    "retracted_at",
    "revoked_at",
)
_MAX_STARTS: Final = 3
_RECORD: Final = b'"r":'


class _Place(msgspec.Struct):
    """Where a record stands in a landing file."""

    p: int
    i: int


@dataclass(frozen=True, slots=True)
class Reconciler:
    """One connection that is read a second time, while the writer's lock is held.

    Where the source can say how many records it has and that is what we have, nothing is read, unless ``is_read``.
    """

    workspace: Workspace
    name: str
    window: Window | None = None
    is_read: bool = False

    def reconcile(self, streams: Sequence[str]) -> Iterator[Reconciled]:
        """Read streams again one after the other; each is compared, journalled, and what was missed is kept.

        Raises:
            ConfigurationError: a stream cannot be asked for a window.
            SourceError: the source cannot be read.

        """
        settings = self.workspace.settings
        connection = settings.connections[self.name]
        with ExitStack() as stack:
            profile, client = None, None
            if isinstance(connection, RestConnection):
                profile = load_profile(settings.folder / connection.profile)
                client = make_client(self.name, connection, profile)
                stack.callback(client.close)
            for stream in streams:
                self._refuse_window(stream, profile)
                with tempfile.TemporaryDirectory(dir=self.workspace.home.scratch, prefix="reconcile-") as folder:
                    yield self._reconciled(stream, Home(Path(folder).resolve()), profile, client)

    def _reconciled(self, stream: str, scratch: Home, profile: Profile | None, client: RestClient | None) -> Reconciled:
        workspace = self.workspace
        workspace.ensure(f"core.{stream}")
        agreed = self._agreed(stream, profile, client)
        if agreed is not None:
            return self._journalled(agreed, [])
        chunks = self._read(stream, scratch, profile, client)
        rows = self._compared(stream, scratch, chunks, profile)
        if self.window is None and _is_whole(stream, profile):
            rows += [(NOT_AT_SOURCE, key, None, None, None) for key in self._not_at_source(stream)]
        records = list(_raw_records(scratch.landing, chunks, {(row[3], row[4]) for row in rows}))
        done = Reconciled(
            stream=stream,
            connection=self.name,
            window=self.window,
            source_records=_count(workspace.connection, f"{_SCOPE}.staging.theirs"),
            our_records=None if self.window else _count(workspace.connection, f"core.{stream}"),
            differences=[Difference(kind, key, sha256) for kind, key, sha256, _, _ in rows],
        )
        return self._journalled(done, records)

    def _journalled(self, done: Reconciled, records: Sequence[bytes]) -> Reconciled:
        workspace = self.workspace
        number = next_number(workspace.journal)
        found = keep_found(workspace.home, done.stream, number, records)
        journal_pass(workspace.journal, workspace.turn, number, done, found)
        return done

    def _agreed(self, stream: str, profile: Profile | None, client: RestClient | None) -> Reconciled | None:
        """Ask for the number of records; None where it is not to be had, or differs from ours."""
        own = None if profile is None else profile.of_stream(stream)
        if self.is_read or own is None or client is None or own.count is None:
            return None
        ours = self._our_counts(stream, own)
        if ours is None:
            return None
        connection = self.workspace.settings.connections[self.name]
        if not isinstance(connection, RestConnection):
            return None
        until = self._until(stream, profile)
        number = count_at_source(
            self.name, connection, own, client, stream, count=own.count, window=self.window, until=until
        )
        if number not in ours:
            return None
        return Reconciled(
            stream=stream,
            connection=self.name,
            window=self.window,
            source_records=number,
            our_records=number,
            differences=[],
            counted=True,
        )

    def _our_counts(self, stream: str, own: StreamProfile) -> tuple[int, int] | None:
        """Count ours, all and those that have not ended; None where we cannot tell which of ours are in the window."""
        columns = self.workspace.connection.sql(f"select * from core.{stream} limit 0").columns  # noqa: S608 - a stream's name
        is_within = "true"
        if self.window is not None:
            cursor = getattr(own.incremental, "cursor", None)
            stamp = next(
                (n for n in columns if cursor and own.mapping.get(n, FieldRule(path=(n,))).path == cursor), None
            )
            if stamp is None:
                return None
            is_within = f"{stamp} >= $since and {stamp} < $until"
        parameters = {} if self.window is None else {"since": self.window.since, "until": self.window.until}
        has_not_ended = " and ".join(f"{name} is null" for name in END_FIELDS if name in columns) or "true"
        counts = self.workspace.connection.sql(
            f"select count(*), count(*) filter (where {has_not_ended}) from core.{stream} where {is_within}",  # noqa: S608 - names of ours
            params=parameters,
        ).fetchall()
        return int(counts[0][0]), int(counts[0][1])

    def _read(self, stream: str, scratch: Home, profile: Profile | None, client: RestClient | None) -> Sequence[Chunk]:
        """Land the second pass in the scratch folder."""
        scratch.make()
        system = STREAMS[stream].system.value
        for _ in range(_MAX_STARTS):
            feed = self._feed(stream, profile, client)
            with StreamWriter(scratch.landing, system, stream, 1) as writer:
                try:
                    for page in feed.pages():
                        if page.is_own:
                            writer.add(page)
                except StartAgain:
                    continue
                return writer.finish()
        message = (
            f"Reading {stream} of {self.name} again was begun {_MAX_STARTS} times, and each time its place was lost."
        )
        raise SourceError(message, is_transient=True)

    def _feed(self, stream: str, profile: Profile | None, client: RestClient | None) -> Feed:
        workspace = self.workspace
        settings = workspace.settings
        connection = settings.connections[self.name]
        if isinstance(connection, FilesConnection):
            root = settings.folder / connection.path
            return FilesFeed(
                self.name, connection, root, stream, turn=workspace.turn, home=workspace.home, last_seen=None
            )
        if profile is None or client is None:
            message = "a connection over HTTP without its profile"
            raise AssertionError(message)
        past = Past(is_full=True, window=self.window)
        return RestFeed(self.name, connection, profile, client, stream, turn=workspace.turn, past=past)

    def _compared(
        self, stream: str, scratch: Home, chunks: Sequence[Chunk], profile: Profile | None
    ) -> list[tuple[Any, ...]]:
        """Return kind, key, content hash, page and row of each record whose content we never had."""
        workspace = self.workspace
        landed = [
            LandedChunk(
                chunk=chunk,
                system=STREAMS[stream].system.value,
                stream=stream,
                turn=1,
                known_at=format_instant(workspace.turn.known_at),
                seq=0,
                is_snapshot=False,
                mapping={} if profile is None else mapping_of(STREAMS[stream], profile.of_stream(stream)),
            )
            for chunk in chunks
        ]
        connection = workspace.connection
        catalog = workspace.increments.catalog
        model = workspace.graph.models[f"staging.{stream}"]
        empty_catalog(connection, _SCOPE)
        connection.execute(f"use {_SCOPE}")
        try:
            for schema in ("landing", "staging"):
                connection.execute(f"create schema if not exists {_SCOPE}.{schema}")
            select = landing_select(stream, scratch.landing, landed)
            connection.execute(f"create view {_SCOPE}.landing.{stream} as {select}")
            create_table(connection, model, workspace.question)
        finally:
            connection.execute(f"use {catalog}")
        connection.execute(
            f"create view {_SCOPE}.staging.theirs as select * from {_SCOPE}.staging.{stream}"  # noqa: S608 - names of ours
            f" where not ({_is_later(stream, self._until(stream, profile))})"
        )
        return _strange(connection, catalog, stream)

    def _until(self, stream: str, profile: Profile | None) -> datetime:
        """Return up to when the last turn had the stream: what is from later is no difference, but yet to come."""
        until = self.workspace.turn.now
        by = None if profile is None else profile.of_stream(stream).incremental
        until -= by.safety_lag if isinstance(by, ByInstant) else timedelta(0)
        return until if self.window is None else min(until, self.window.until)

    def _not_at_source(self, stream: str) -> list[str]:
        connection, catalog = self.workspace.connection, self.workspace.increments.catalog
        columns = connection.sql(f"select * from core.{stream} limit 0").columns  # noqa: S608 - a stream's name
        is_there = " and ".join(f"{name} is null" for name in END_FIELDS if name in columns) or "true"
        key = _key(stream)
        rows = connection.sql(
            f"select {key} as record_key from {catalog}.core.{stream} where {is_there} and {key} not in"  # noqa: S608 - names of ours
            f" (select {key} from {_SCOPE}.staging.{stream} where {key} is not null) order by 1"
        ).fetchall()
        return [str(row[0]) for row in rows]

    def _refuse_window(self, stream: str, profile: Profile | None) -> None:
        by = None if profile is None else profile.of_stream(stream).incremental
        if self.window is not None and not isinstance(by, ByInstant):
            message = (
                f"The stream {stream} of {self.name} cannot be asked for a window, because its profile has no "
                "'incremental' by instants: leave --from and --to out."
            )
            raise ConfigurationError(message)


def _strange(connection: Connection, catalog: str, stream: str) -> list[tuple[Any, ...]]:
    key = _key(stream)
    ours = f"{catalog}.staging.{stream}"
    had = f"select {key} from {ours} where rejected_because is null and {key} is not null"  # noqa: S608 - names of ours
    return connection.sql(
        f"with theirs as (select {key} as record_key, record_sha256, min([page_no, row_no]) as place"  # noqa: S608 - names of ours
        f" from {_SCOPE}.staging.theirs where rejected_because is null group by all)"
        f" select case when record_key in ({had}) then '{OTHER_CONTENT}' else '{MISSING_HERE}' end,"
        " record_key, record_sha256, place[1], place[2] from theirs"
        f" where record_sha256 not in (select record_sha256 from {ours} where record_sha256 is not null)"
        " order by record_key, record_sha256"
    ).fetchall()


def _count(connection: Connection, relation: str) -> int:
    return int(connection.sql(f"select count(*) from {relation}").fetchall()[0][0])  # noqa: S608 - names of ours


def _is_later(stream: str, until: datetime) -> str:
    """Return what says that a record bears a stamp of ours to come."""
    stamps = [name for name in STREAMS[stream].field_names if name in _STAMPS]
    newest = f"greatest({', '.join(stamps)})" if stamps else "null"
    return f"coalesce({newest} >= timestamptz '{format_instant(until)}', false)"


def _key(stream: str) -> str:
    """Return the expression of a record's key as one text, as the quarantine spells it."""
    return "concat_ws('|', " + ", ".join(f"{name}::varchar" for name in STREAMS[stream].key) + ")"


def _is_whole(stream: str, profile: Profile | None) -> bool:
    """Say whether a pass over everything has every record that is, so that what it lacks is gone at the source."""
    if profile is None:
        return True
    own = profile.of_stream(stream)
    by = own.incremental
    # Where an end is said, what changed behind it is not given.
    is_bounded = getattr(by, "start", None) is not None or getattr(by, "says_end", False)
    return own.snapshots and not own.also and own.deletions is None and not is_bounded


def _raw_records(landing: Path, chunks: Sequence[Chunk], places: set[tuple[int | None, int | None]]) -> Iterator[bytes]:
    """Yield the bytes of the records at some places, as they came."""
    if all(place == (None, None) for place in places):
        return
    decode = msgspec.json.Decoder(_Place).decode
    for chunk in chunks:
        for lines in raw_lines(landing / chunk.file):
            for line in lines:
                place = decode(line)
                if (place.p, place.i) in places:
                    yield line[line.index(_RECORD) + len(_RECORD) : -len(b"}\n")]
