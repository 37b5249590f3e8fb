"""What a feed is: one stream of one connection, page by page, and how it ended.

Belongs here: the two values and the protocol that both kinds of connections keep to. Does not belong
here: the kinds (``pipeline.ingest.files``, ``pipeline.ingest.rest``), storing (``pipeline.ingest.pull``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pipeline.ingest.pages import Page


@dataclass(frozen=True, slots=True)
class SeenFiles:
    """The list of all files of a stream read so far, stored in the landing folder."""

    file: str
    sha256: str
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a pull's pages, from the first to the last of them by number, and their own mapping."""

    first_page: str
    last_page: str
    mapping: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEnd:
    """How a pull ended.

    ``watermark``: up to when the stream is had whole (None = unknown). ``cursor``: where the next
    pull starts, opaque to all but the feed. ``is_snapshot``: every record that the source has now
    was in it. ``mapping``: canonical field to its path or rule, where they differ; ``parts``: pages that
    are read otherwise. ``known_fields``: a record with another field at its top is
    rejected (None = none is). ``notes``: what a person should know, in sentences.
    """

    reached_end: bool
    watermark: datetime | None
    is_snapshot: bool
    cursor: str | None = None
    seen_files: SeenFiles | None = None
    mapping: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    known_fields: Sequence[str] | None = None
    notes: Sequence[str] = ()


class StartAgain(Exception):  # noqa: N818 - not an error but a turn of the road
    """The source forgot where we were: what was pulled is to be discarded, and pulled from the start.

    ``is_full``: from the start of everything, because the start of this pull is forgotten too.
    """

    def __init__(self, *, is_full: bool = False) -> None:
        """Say from which start."""
        super().__init__()
        self.is_full = is_full


@dataclass(frozen=True, slots=True)
class Reading:
    """How the records of a pull are read, but for its ``parts``: see ``FeedEnd``."""

    mapping: Mapping[str, Any] = field(default_factory=dict)
    known_fields: Sequence[str] | None = None


class Feed(Protocol):
    """One stream of one connection at one turn."""

    @property
    def reading(self) -> Reading:
        """How its records are read."""

    def pages(self) -> Iterator[Page]:
        """Yield the pages.

        Raises:
            SourceError: the source cannot be read; nothing of what came before counts.
            StartAgain: the pages so far are void.

        """

    def end(self) -> FeedEnd:
        """Say how it ended, once the pages are durable."""
