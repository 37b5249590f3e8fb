"""What ingest needs of an HTTP client, without knowing one.

Belongs here: the protocol, what it answers, and the errors that mean more than "failed". Does not
belong here: HTTP itself (``resources.rest``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.errors import SourceError


class GoneError(SourceError):
    """The source answered 410: what was asked for, such as a page's cursor, is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful answer to a read: a JSON text, and how it came (nothing secret).

    ``url`` is without its query; ``headers`` have lower-case names.
    """

    url: str
    query: tuple[tuple[str, str], ...]
    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class RestClientProtocol(Protocol):
    """One connection's client; safe to use from several threads."""

    def get(self, path: str, query: Sequence[tuple[str, str]], *, what: str) -> Answer:
        """Read one JSON answer, trying again where that may help. ``what`` names it in errors.

        ``path`` may be a URL of the same origin (a next-page link).

        Raises:
            GoneError: 410.
            SourceError: it cannot be had.

        """

    def close(self) -> None:
        """Give the connections back."""
