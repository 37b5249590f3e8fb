"""What an HTTP failure means, said once.

Belongs here: the classification of statuses and network errors, and the sentences. Does not belong
here: asking, waiting, trying again (``resources.rest``).

    transient   408, 425, 429, 5xx, timeouts, refused or broken connections
    gone        410
    permanent   everything else
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from pipeline.errors import SourceError
from pipeline.ingest.client import GoneError
from resources.rest_body import BodyError
from resources.rest_deadline import DeadlineError

_TRANSIENT_STATUSES: Final = frozenset({408, 425, 429})
_FIRST_SERVER_ERROR: Final = 500
_ADVICE: Final = {
    401: "check the secrets of connection {name}, and 'auth' in its profile",
    403: "ask the operator of {name} for the right to do this",
    404: "correct base_url, or the path in its profile",
    405: "correct the method in its profile",
    429: "lower requests_per_second in its profile, or wait",
}
_NOT_LET_IN: Final = (
    "check the secrets of connection {name}, and whether 'auth' in its profile sends all that the login asks for"
)
_LOGIN_ADVICE: Final = {
    **_ADVICE,
    400: _NOT_LET_IN,
    403: _NOT_LET_IN,
    404: "correct base_url, or where 'auth' in its profile gets its token",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being tried, for the sentence: ``Fetching assets from vip (http://…/v1/assets)``."""

    what: str
    name: str
    url: str
    is_login: bool = False

    def __str__(self) -> str:
        """Return the sentence's beginning; the URL bears neither query nor user."""
        return f"{self.what} {self.name} ({self.url})"


class HttpError(SourceError):
    """A request that did not give what it should."""

    def __init__(
        self,
        message: str,
        *,
        is_transient: bool,
        status: int | None = None,
        wait_seconds: float | None = None,
        ruled: str | None = None,
    ) -> None:
        """Keep the status, where there was one, how long the source asks to wait, and what the profile said to do."""
        super().__init__(message, is_transient=is_transient)
        self.status = status
        self.wait_seconds = wait_seconds
        self.ruled = ruled


class NeverReachedError(HttpError):
    """No connection came about: the source has seen nothing of the request."""


class NoTokenError(NeverReachedError):
    """No token was to be had, so the request was not sent."""


def is_transient_status(status: int) -> bool:
    """Return whether the same request may be answered better in a while."""
    return status in _TRANSIENT_STATUSES or status >= _FIRST_SERVER_ERROR


def from_status(attempt: Attempt, status: int, wait_seconds: float | None) -> SourceError:
    """Return the error that an answer with another status than success is."""
    if status == httpx.codes.GONE:
        return GoneError(f"{attempt} was refused with 410: it is no longer there.", is_transient=False)
    if is_transient_status(status):
        asked = f", and asks to wait {wait_seconds:.0f} s" if wait_seconds else ""
        advice = _ADVICE.get(status, "try again later").format(name=attempt.name)
        message = f"{attempt} was answered with {status}{asked}: {advice}."
        return HttpError(message, is_transient=True, status=status, wait_seconds=wait_seconds)
    if httpx.codes.is_redirect(status):
        message = f"{attempt} was answered with a redirect ({status}), which is never followed: correct base_url."
    elif httpx.codes.is_success(status):
        message = f"{attempt} was answered with {status}, which brings no page: correct the path in its profile."
    else:
        advices = _LOGIN_ADVICE if attempt.is_login else _ADVICE
        advice = advices.get(status, "correct the profile of connection {name}").format(name=attempt.name)
        message = f"{attempt} was refused with {status}: {advice}."
    return HttpError(message, is_transient=False, status=status)


@contextmanager
def said(attempt: Attempt) -> Iterator[None]:
    """Turn what httpx and the body's reader raise into the error that says it."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, BodyError, DeadlineError) as error:
        raise from_exception(attempt, error) from error


def from_exception(attempt: Attempt, error: Exception) -> HttpError:  # noqa: PLR0911 - one sentence for each failure
    """Return the error that a failure below HTTP is."""
    match error:
        case DeadlineError():
            return HttpError(f"{attempt} took longer than its deadline: try again later.", is_transient=True)
        case BodyError():
            message = f"{attempt} gave an answer that cannot be used: {error}."
            return HttpError(message, is_transient=error.is_transient)
        case httpx.ConnectError() if _refused_certificate(error):
            message = (
                f"{attempt} showed a certificate that is not to be trusted: correct base_url, or ask its operator."
            )
            return NeverReachedError(message, is_transient=False)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            message = f"{attempt} came to nothing, nobody answers there: is it running, and is base_url right?"
            return NeverReachedError(message, is_transient=True)
        case httpx.PoolTimeout():
            return NeverReachedError(f"{attempt} found no free connection: try again later.", is_transient=True)
        case httpx.TimeoutException():
            return HttpError(f"{attempt} got no answer in time: try again later.", is_transient=True)
        case httpx.TransportError():
            message = f"{attempt} broke off ({type(error).__name__}): try again later."
            return HttpError(message, is_transient=True)
        case _:
            message = f"{attempt} could not be asked ({type(error).__name__}): correct base_url or the profile."
            return HttpError(message, is_transient=False)


def _refused_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
