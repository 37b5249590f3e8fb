"""Trying a connection: its login, and a few records of a stream beside what they become.

Belongs here: one stream's trial, from the first request to the staged record, in a folder that is thrown away. Does not
belong here: what is shown of it (``cli.connecting``), proposals (``pipeline.ingest.proposing``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConfigurationError, SourceError
from pipeline.home import Home
from pipeline.ingest.feeds import FeedEnd, StartAgain
from pipeline.ingest.landed import LandedChunk
from pipeline.ingest.landing import StreamWriter
from pipeline.ingest.pages import Page, Unreadable
from pipeline.ingest.paths import EACH, JsonPath, parse_path
from pipeline.ingest.profile import Profile, load_profile
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_mapping import FlaggedDeletions
from pipeline.ingest.profile_paging import TimeWindows
from pipeline.ingest.profile_stream import StreamProfile
from pipeline.ingest.proposing import Leaf, Proposal, leaves, proposals
from pipeline.ingest.reading import mapping_of
from pipeline.ingest.rest import Past, RestFeed
from pipeline.ingest.source import LISTING
from pipeline.instants import format_instant
from pipeline.ledger.turns import Turn
from pipeline.settings import RestConnection, Settings
from pipeline.sqlmodels.graph import load_graph
from pipeline.sqlmodels.increments import Increments
from pipeline.sqlmodels.journalled import give_ledger
from pipeline.sqlmodels.relations import Question, give_landing, give_settings
from pipeline.streams import STREAMS, Stream
from resources.rest import RestClient, make_client
from resources.warehouse import open_in_memory

MOST_PAGES: Final = 60
MOST_WINDOWS: Final = 20
MOST_SAID: Final = 300
ClientFactory = Callable[[str, RestConnection, Profile], RestClient]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a stream gave: records as they would land, each beside its staged row; ``error`` = why it gave none.

    ``answered`` = how the source's own answer began then. ``personal_around``: beside the records of their pages, and
    stored with these; ``outside``: in what holds the records, and not inherited.
    """

    stream: str
    records: Sequence[bytes | Unreadable] = ()
    rows: Sequence[dict[str, Any]] = ()
    pages: int = 0
    error: str | None = None
    answered: str = ""
    unused: Sequence[Leaf] = ()
    personal: Sequence[Leaf] = ()
    personal_around: Sequence[Leaf] = ()
    outside: Sequence[Leaf] = ()

    @property
    def empty_fields(self) -> list[str]:
        """The canonical fields that no record has."""
        return [name for name in STREAMS[self.stream].field_names if all(row[name] is None for row in self.rows)]

    @property
    def missing(self) -> list[str]:
        """Those of them that every record must have."""
        required = {field.name for field in STREAMS[self.stream].fields if field.is_required}
        return [name for name in self.empty_fields if name in required] if self.rows else []

    @property
    def rejections(self) -> dict[str, int]:
        """Why records would be quarantined, and how many."""
        reasons = [str(row["rejected_because"]) for row in self.rows if row["rejected_because"] is not None]
        return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}

    @property
    def proposals(self) -> list[Proposal]:
        """What may be mapped to what."""
        return proposals(STREAMS[self.stream], self.empty_fields, self.unused) if self.rows else []


@dataclass(frozen=True, slots=True)
class Trier:
    """One connection that is tried."""

    name: str
    settings: Settings
    connection: RestConnection
    profile: Profile
    client: RestClient
    home: Home
    now: datetime

    def log_in(self) -> None:
        """Get what authenticates us.

        Raises:
            SourceError: it is not to be had.

        """
        self.client.log_in()

    def try_stream(self, stream: str, records: int, *, pages: int = 1) -> Trial:
        """Read so many records of a stream, and so many pages at least, where there are any, and stage the records."""
        turn = Turn(1, self.now, self.now)
        try:
            profile = _recent(self.profile, stream, self.now)
            past = Past(is_full=True, is_trial=True)
            feed = RestFeed(self.name, self.connection, profile, self.client, stream, turn=turn, past=past)
            found_pages = _first_pages(feed.pages(), records, pages)
            rows = self._staged(stream, found_pages, feed.end(), turn)
        except StartAgain:
            return Trial(stream, error="The source forgot the place while the first pages were read: try again.")
        except SourceError as error:
            return Trial(stream, error=str(error), answered=beginning(error.answered))
        items = [item for page in found_pages for item in page.items]
        found = leaves([item for item in items if isinstance(item, bytes)])
        own = self.profile.of_stream(stream)
        used = _used(STREAMS[stream], own)
        declared = {_plain(parse_path(path)) for path in own.personal}
        return Trial(
            stream,
            items,
            rows,
            len(found_pages),
            unused=[leaf for leaf in found if not _is_used(leaf.path, used)],
            personal=[leaf for leaf in found if leaf.is_personal and not _is_used(leaf.path, declared)],
            personal_around=_personal_around(found_pages, own),
            outside=_outside(feed.outside, own),
        )

    def _staged(self, stream: str, pages: Sequence[Page], end: FeedEnd, turn: Turn) -> list[dict[str, Any]]:
        """Land the pages in a folder of their own and return their staged rows, in order."""
        self.home.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.home.scratch, prefix="connect-") as folder:
            home = Home(Path(folder))
            home.make()
            with StreamWriter(home.landing, STREAMS[stream].system, stream, turn.number) as writer:
                for page in pages:
                    writer.add(page)
                chunks = writer.finish()
            landed = [
                LandedChunk(
                    chunk=chunk,
                    system=STREAMS[stream].system.value,
                    stream=stream,
                    turn=turn.number,
                    known_at=format_instant(turn.known_at),
                    seq=0,
                    is_snapshot=False,
                    mapping=end.mapping,
                    known_fields=end.known_fields,
                )
                for chunk in chunks
            ]
            return _staged_rows(home, self.settings, landed, stream, turn)


@contextmanager
def trying(
    settings: Settings, name: str, home: Home, now: datetime, client_factory: ClientFactory = make_client
) -> Iterator[Trier]:
    """Open a connection to be tried.

    Raises:
        ConfigurationError: no such connection, one of files, or its profile is wrong.

    """
    connection = settings.connections.get(name)
    if not isinstance(connection, RestConnection):
        rest = [other for other, own in settings.connections.items() if isinstance(own, RestConnection)]
        message = f"{name!r} is no connection over HTTP; there are {', '.join(rest) or 'none'}."
        raise ConfigurationError(message)
    profile = load_profile(settings.folder / connection.profile)
    with closing(client_factory(name, connection, profile)) as client:
        yield Trier(name, settings, connection, profile, client, home, now)


def beginning(answered: bytes) -> str:
    """Return the beginning of what a source said, on one line."""
    text = " ".join(answered[: 4 * MOST_SAID].decode("utf-8", "replace").split())
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}…"


def _recent(profile: Profile, stream: str, now: datetime) -> Profile:
    """Return the profile with windows that are tried from where records are likely, not from the first on."""
    own = profile.of_stream(stream)
    by = own.incremental
    if not isinstance(own.paging, TimeWindows) or not isinstance(by, ByInstant) or by.start is None:
        return profile
    start = max(by.start, now - MOST_WINDOWS * own.paging.step)
    nearer = own.model_copy(update={"incremental": by.model_copy(update={"start": start})})
    return profile.model_copy(update={"streams": {**profile.streams, stream: nearer}})


def _first_pages(pages: Iterator[Page], records: int, at_least: int) -> list[Page]:
    """Return the first pages, ``at_least`` so many where there are, cut off after so many records."""
    found: list[Page] = []
    left = records
    for page in islice((page for page in pages if LISTING not in page.request), MOST_PAGES):
        found.append(_cut_off(page, left))
        left -= len(found[-1].items)
        if left <= 0 and len(found) >= at_least:
            break
    return found


def _cut_off(page: Page, records: int) -> Page:
    if len(page.items) <= records:
        return page
    return Page(
        items=list(page.items)[:records],
        body_sha256=page.body_sha256,
        request=page.request,
        received_at=page.received_at,
        origin=page.origin,
        status=page.status,
        envelope=page.envelope,
    )


def _staged_rows(
    home: Home, settings: Settings, landed: Sequence[LandedChunk], stream: str, turn: Turn
) -> list[dict[str, Any]]:
    graph, question = load_graph(), Question(turn.now, turn.known_at)
    with open_in_memory(home) as connection:
        give_landing(connection, home.landing.resolve(), landed)
        give_ledger(connection, home.ledger / "none")
        give_settings(connection, settings, question, turn.now)
        increments = Increments(connection, question, turn.number)
        for name in graph.left_of([f"staging.{stream}"]):
            increments.replace(graph.models[name])
        relation = connection.sql(f"select * from staging.{stream} order by page_no, row_no")  # noqa: S608 - a stream's name
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _used(stream: Stream, profile: StreamProfile) -> set[JsonPath]:
    """Return every path of a record that something reads; ``[n]`` and ``[name=text]`` count as every element."""
    paths: set[JsonPath] = {path for rule in profile.mapping.values() for path in rule.reads}
    paths |= {(name,) for name in stream.field_names if name not in mapping_of(stream, profile)}
    paths |= {condition.path for condition in profile.keep}
    if isinstance(profile.deletions, FlaggedDeletions):
        paths |= {profile.deletions.when.path, *((profile.deletions.at,) if profile.deletions.at else ())}
    by = profile.incremental
    paths |= {path for path in (getattr(by, "cursor", None), getattr(profile.paging, "key", None)) if path}
    paths |= set(getattr(profile.paging, "ties", {}).values())
    return {_plain(path) for path in paths}


def _personal_around(pages: Sequence[Page], profile: StreamProfile) -> list[Leaf]:
    declared = {_plain(path) for path in (*map(parse_path, profile.page_personal), *profile.cut_around(profile))}
    found = leaves([page.envelope for page in pages if page.envelope is not None])
    return [leaf for leaf in found if leaf.is_personal and not _is_used(leaf.path, declared)]


def _outside(elements: Sequence[bytes], profile: StreamProfile) -> list[Leaf]:
    """Return what stands in the elements outside the records, and is not inherited."""
    way: JsonPath = ()
    inherited: set[JsonPath] = set()
    for level in profile.nested:
        inherited |= {_plain((*way, *path)) for path in level.inherit.values()}
        way = (*way, *level.records, EACH)
    return [leaf for leaf in leaves(elements) if not _is_used(leaf.path, {*inherited, way, way[:-1]})]


def _plain(path: JsonPath) -> JsonPath:
    return tuple("[*]" if step.startswith("[") else step for step in path)


def _is_used(path: JsonPath, used: set[JsonPath]) -> bool:
    return any(path[: len(other)] == other for other in used)
