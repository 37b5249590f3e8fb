"""Counting: how many records a source says that a stream, or a window of it, has.

Belongs here: the one request that asks, and reading its number. Does not belong here: what we have, and what follows
where the two differ (``resources.reconciling``).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from pipeline.errors import SourceError
from pipeline.ingest.client import ReadRequest, RestClientProtocol
from pipeline.ingest.paths import found_at, spelled
from pipeline.ingest.profile_incremental import ByInstant
from pipeline.ingest.profile_stream import Count, StreamProfile
from pipeline.ingest.source import filled
from pipeline.ingest.windows import Window
from pipeline.settings import RestConnection


def count_at_source(  # noqa: PLR0913 - all of them are needed, none belongs to another
    name: str,
    connection: RestConnection,
    profile: StreamProfile,
    client: RestClientProtocol,
    stream: str,
    *,
    count: Count,
    window: Window | None,
    until: datetime,
) -> int:
    """Ask for the number of records of a window, or of all up to an instant.

    Raises:
        SourceError: the source cannot be asked, or gives no number.

    """
    by = profile.incremental
    params: dict[str, str | int] = {}
    if isinstance(by, ByInstant):
        params = by.params(window.since if window else None, window.until if window else until)
    query = {**profile.query, **count.query, **{key: str(value) for key, value in params.items()}}
    path = filled(name, count.path or profile.path, stream, dict(connection.variables))
    request = ReadRequest(path=path, query=tuple(query.items()), headers=profile.headers, rules=profile.errors)
    answer = client.ask(request, what=f"the number of {stream}")
    try:
        number = found_at(msgspec.json.decode(answer.body), count.total)
        return _whole(number)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        message = (
            f"Asking {name} how many {stream} it has gave no whole number at {spelled(count.total) or 'the top'}: "
            "correct 'count' in the profile."
        )
        raise SourceError(message, is_transient=False) from error


def _whole(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise TypeError
    return int(number)
