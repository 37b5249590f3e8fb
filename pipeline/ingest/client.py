"""What ingest needs of an HTTP client, without knowing one.

Belongs here: the protocol, what it answers, and the errors that mean more than "failed". Does not
belong here: HTTP itself (``resources.rest``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pipeline.errors import SourceError
from pipeline.ingest.profile_mapping import ErrorRule
from pipeline.json_structure import Parts


class GoneError(SourceError):
    """The source answered 410: what was asked for, such as a page's cursor, is no longer there."""


class TooMuchError(SourceError):
    """The source refused because too much was asked for at once: a shorter time window may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One read. ``path`` may be a URL of the same origin (a next-page link); ``body`` makes it a POST.

    ``takes_nothing``: a 204 is an answer. ``is_repeatable``: asking again gives the same. ``rules``: what the profile
    says of answers that HTTP does not tell apart.
    """

    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_nothing: bool = False
    is_repeatable: bool = True
    rules: Sequence[ErrorRule] = ()

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.body is None else "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a read: a JSON text, and how it came (nothing secret).

    ``url`` is without its query; ``headers`` have lower-case names. ``verdict``: a page; nothing (a 204, or what a rule
    of the profile says to ignore; the body is empty); or an answer that a rule says to quarantine.
    ``waited_seconds``: for how long the network was waited for, until the whole answer was there. ``parts`` are those
    of ``body``, where somebody took it apart already.
    """

    url: str
    query: tuple[tuple[str, str], ...]
    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    verdict: Literal["page", "nothing", "quarantined"] = "page"
    waited_seconds: float = 0.0
    parts: Parts | None = None


class RestClientProtocol(Protocol):
    """One connection's client; safe to use from several threads."""

    def ask(self, request: ReadRequest, *, what: str) -> Answer:
        """Read one JSON answer, trying again where that may help. ``what`` names it in errors.

        Raises:
            GoneError: 410, or what the profile says is the same.
            TooMuchError: what the profile says means that.
            SourceError: it cannot be had.

        """

    def close(self) -> None:
        """Give the connections back."""
