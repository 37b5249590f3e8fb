"""Writes: the request that an operation makes of a payload, and what its answer says of the effect.

Belongs here: the body, the path, the outcomes, and the dispatcher's door to a connection. Does not belong here: HTTP
(``resources.rest``), look-ups (``resources.rest_lookups``), deciding what is sent when (``pipeline.actions``).

    accepted    2xx with the remote's id (or an operation that has none)
    contested   409, 422: refused, perhaps because an earlier attempt had its effect
    rejected    400, 403, 404 and the rest of 4xx: the same request never will be accepted
    transient   401, 408, 425, 429, a redirect, no connection, no token: it is not there
    unknown     5xx, a timeout, a broken connection, a success that does not name its id: it may be there
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx
import msgspec

from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.errors import SourceError
from pipeline.ingest.client import GoneError
from pipeline.ingest.paths import found_at, parse_path, put_at, text_of
from pipeline.ingest.profile import Profile
from pipeline.ingest.profile_incremental import Stamp
from pipeline.ingest.profile_writes import Lookup, Operation
from pipeline.instants import parse_instant
from resources.rest_errors import HttpError, NeverReachedError

_NOT_TAKEN: Final = frozenset({401, 408, 425, 429})
_CONTESTED: Final = frozenset({409, 422})
_FIRST_SERVER_ERROR: Final = 500
_RULED: Final = {"retry": Result.TRANSIENT, "look_up": Result.CONTESTED, "fail": Result.REJECTED}


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One write, ready to be sent."""

    path: str
    headers: dict[str, str]
    body: bytes


class Accepted(Protocol):
    """The part of a successful answer that is looked at."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> httpx.Headers:
        """The headers."""

    @property
    def body(self) -> bytes:
        """The JSON text, or nothing."""

    @property
    def verdict(self) -> str:
        """``nothing``: the profile says that it is as it was to be."""


class WritingClient(Protocol):
    """The part of the client that writes."""

    def send(self, operation: Operation, payload: Mapping[str, Any], *, key: str) -> Outcome:
        """Try one write once."""

    def look_up(self, lookup: Lookup, keys: Sequence[str]) -> dict[str, str]:
        """Return the remote ids of the keys that are there."""


class RestSender:
    """The dispatcher's door to a connection (``pipeline.actions.senders.Sender``)."""

    def __init__(self, client: WritingClient, profile: Profile) -> None:
        """Take a client, which stays its owner's to close."""
        self._client = client
        self._operations = profile.writes
        # What several operations look up in the same way is one list, and asked for together.
        self._listings: dict[str, Listing] = {}
        self._lookups: dict[str, Lookup] = {}
        for name, operation in profile.writes.items():
            if operation.lookup is not None:
                same = [known for known, lookup in self._lookups.items() if lookup == operation.lookup]
                listed = same[0] if same else name
                self._lookups[listed] = operation.lookup
                self._listings[name] = Listing(listed, operation.lookup.size)

    def list_of(self, operation: str) -> Listing | None:
        """Return the list that shows what this operation made, as the profile says."""
        return self._listings.get(operation)

    def post(self, effect: Effect) -> Outcome:
        """Try once."""
        operation = self._operations.get(effect.operation)
        if operation is None:
            error = f"The profile has no operation {effect.operation!r} under 'writes': add it, then retry the action."
            return Outcome(result=Result.REJECTED, error=error)
        return self._client.send(operation, effect.payload, key=effect.key)

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the remote ids of those effects that are there, by key.

        Raises:
            SourceError: it could not be asked; nothing is known.

        """
        return self._client.look_up(self._lookups[listing.name], keys)


def request_of(operation: Operation, payload: Mapping[str, Any], key: str) -> WriteRequest:
    """Return the request that carries a payload.

    Raises:
        KeyError: the path names a field that the payload does not have.
        ValueError: a value that the profile does not translate, that is no number or instant, or that has no place.

    """
    in_path = operation.path_fields
    path = operation.path.format_map({name: quote(str(payload[name]), safe="") for name in in_path})
    graphql = operation.graphql
    body: dict[str, Any] = {} if graphql is None else copy.deepcopy(dict(graphql.variables))
    for place, constant in operation.constants.items():
        put_at(body, parse_path(place), constant)
    for name, value in payload.items():
        if name in in_path or name in operation.drop or (value is None and operation.nulls == "leave_out"):
            continue
        put_at(body, operation.fields.get(name, (name,)), _as_they_have_it(operation, name, value))
    if operation.key_field is not None:
        put_at(body, operation.key_field, key)
    headers = {**operation.headers, "Content-Type": "application/json"}
    if operation.key_header is not None:
        headers[operation.key_header] = key
    whole = body if graphql is None else {"query": graphql.query, "variables": body}
    return WriteRequest(path, headers, msgspec.json.encode(whole))


def outcome_of(operation: Operation, result: SourceError | Accepted) -> Outcome:
    """Say what became of a write."""
    if isinstance(result, SourceError):
        return _failed(result)
    remote_id = _remote_id(operation, result.body)
    if result.verdict == "nothing":
        return Outcome(result=Result.ACCEPTED, remote_id=remote_id, is_replay=True)
    if remote_id is None and _lists_errors(result.body):
        error = f"It was answered with {result.status}, but lists errors: 'errors' of the write says what they mean."
        return Outcome(result=Result.CONTESTED, error=error)
    if operation.id is not None and remote_id is None:
        error = f"It was answered with {result.status}, but without {'.'.join(operation.id)}: look it up."
        return Outcome(result=Result.UNKNOWN, error=error)
    is_replay = result.headers.get(operation.replayed_header, "").lower() == "true"
    return Outcome(result=Result.ACCEPTED, remote_id=remote_id, is_replay=is_replay)


def not_to_be_sent(operation: Operation, error: Exception) -> Outcome:
    """Say that a payload does not fit its operation."""
    sentence = (
        f"The payload does not fit {operation.method} {operation.path} of the profile ({error!r}): drop the action."
    )
    return Outcome(result=Result.REJECTED, error=sentence)


def _failed(error: SourceError) -> Outcome:
    status = error.status if isinstance(error, HttpError) else None
    ruled = error.ruled if isinstance(error, HttpError) else None
    return Outcome(
        result=_RULED[ruled] if ruled is not None else _result(error, status),
        error=str(error),
        retry_after_seconds=error.wait_seconds if isinstance(error, HttpError) else None,
        is_target_down=isinstance(error, NeverReachedError) or status == httpx.codes.UNAUTHORIZED,
    )


def _result(error: SourceError, status: int | None) -> Result:
    if isinstance(error, NeverReachedError) or status in _NOT_TAKEN:
        return Result.TRANSIENT
    if status is None:
        # A 410 comes without its status; whatever else does may have reached the target.
        return Result.REJECTED if isinstance(error, GoneError) else Result.UNKNOWN
    if status in _CONTESTED:
        return Result.CONTESTED
    if status >= _FIRST_SERVER_ERROR:
        return Result.UNKNOWN
    return Result.TRANSIENT if httpx.codes.is_redirect(status) else Result.REJECTED


def _remote_id(operation: Operation, body: bytes) -> str | None:
    found = None if operation.id is None else found_at(_decoded(body), operation.id)
    return None if found is None else str(found)


def _lists_errors(body: bytes) -> bool:
    answer = _decoded(body)
    return isinstance(answer, dict) and bool(answer.get("errors"))


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _as_they_have_it(operation: Operation, name: str, value: Any) -> Any:
    """Return a payload's value as the remote has it; what is absent stays null."""
    if value is None:
        return None
    known = operation.values.get(name)
    if known is not None:
        text = str(text_of(value))
        if text not in known:
            message = f"'values' of the profile has nothing for {name} {text!r}"
            raise ValueError(message)
        return known[text]
    if name in operation.instants:
        return Stamp(format=operation.instants[name]).write(parse_instant(str(value)))
    return int(value) if name in operation.integers else value
