"""What an answer to a read means, as HTTP and the profile's rules say it.

Belongs here: an answer as it was read, and the verdict on it. Does not belong here: asking and trying again
(``resources.rest``), the sentences of plain HTTP failures (``resources.rest_errors``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import httpx
import msgspec

from pipeline.errors import SourceError
from pipeline.ingest.client import GoneError, TooMuchError
from pipeline.ingest.profile_mapping import ErrorRule
from pipeline.ingest.profile_writes import WriteRule
from pipeline.json_structure import Parts
from resources.rest_body import BodyError, check_json, read_body
from resources.rest_deadline import DeadlineError
from resources.rest_errors import Attempt, HttpError, from_status

_ERROR_BODY_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Response:
    """An answer read whole; ``parts`` are those of its body, where it is an object."""

    status: int
    headers: httpx.Headers
    body: bytes
    received_at: datetime
    verdict: Literal["page", "nothing", "quarantined"] = "page"
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What may come: ``takes_nothing`` = a 204 is an answer; ``rules`` = the profile's."""

    method: str = "GET"
    is_read: bool = True
    takes_nothing: bool = False
    rules: Sequence[ErrorRule | WriteRule] = ()


def judged(
    attempt: Attempt,
    response: httpx.Response,
    expected: Expected,
    *,
    max_bytes: int,
    wait_seconds: float | None,
    received_at: datetime,
) -> Response:
    """Read an answer and say what it is.

    Raises:
        SourceError: it is none, or a rule says so.
        BodyError: its body cannot be used.

    """
    status = response.status_code
    is_good = status == httpx.codes.OK or (not expected.is_read and httpx.codes.is_success(status))
    body = b""
    rules = [rule for rule in expected.rules if not rule.status or status in rule.status]
    if rules:
        body = read_body(response, max_bytes if is_good else _ERROR_BODY_BYTES)
        value = _json(body) if any(rule.body for rule in rules) else None
        rule = next((rule for rule in rules if rule.fits(status, value)), None)
        if rule is not None:
            try:
                verdict = _ruled(attempt, rule, status, wait_seconds)
            except SourceError as error:
                error.answered = body
                raise
            return Response(status, response.headers, body, received_at, verdict)
    if status == httpx.codes.NO_CONTENT and expected.takes_nothing:
        return Response(status, response.headers, b"", received_at, "nothing")
    if not is_good:
        refusal = from_status(attempt, status, wait_seconds)
        if not refusal.is_transient:
            refusal.answered = body or _beginning(response)
        raise refusal
    if not rules:
        body = read_body(response, max_bytes)
    parts = check_json(response, body, is_page=expected.is_read) if body or expected.is_read else None
    return Response(status, response.headers, body, received_at, parts=parts)


def _ruled(
    attempt: Attempt, rule: ErrorRule | WriteRule, status: int, wait_seconds: float | None
) -> Literal["nothing", "quarantined"]:
    said = f"{attempt} was answered with {status} and what the profile's 'errors' take for {rule.do!r}"
    match rule.do:
        case "ignore":
            return "nothing"
        case "quarantine":
            return "quarantined"
        case "retry":
            message = f"{said}: try again later."
            raise HttpError(message, is_transient=True, status=status, wait_seconds=wait_seconds, ruled=rule.do)
        case "refresh_token":
            message = f"{said}, with a fresh token too: check the secrets of connection {attempt.name}."
            raise HttpError(message, is_transient=False, status=httpx.codes.UNAUTHORIZED)
        case "split_window":
            message = f"{said}: read it by time_window, so that less can be asked for."
            raise TooMuchError(message, is_transient=False)
        case "expired":
            raise GoneError(f"{said}: it is no longer there.", is_transient=False)
        case "fail":
            raise HttpError(f"{said}: ask its operator.", is_transient=False, status=status, ruled=rule.do)
        case "look_up":
            message = f"{said}: it may be there."
            raise HttpError(message, is_transient=False, status=status, wait_seconds=wait_seconds, ruled=rule.do)


def _beginning(response: httpx.Response) -> bytes:
    """Return the body of a refusal, nothing where it cannot be had."""
    try:
        return read_body(response, _ERROR_BODY_BYTES)
    except (httpx.HTTPError, httpx.StreamError, BodyError, DeadlineError):
        return b""


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
