"""The HTTP client: the only place where one is made, and the only way to a tenant's API.

Belongs here: one request and its answer, trying reads again, telling what became of a write. Does not
belong here: pages (``pipeline.ingest.rest``), the outbox, what a failure means (``resources.rest_errors``).

Reads are tried again where that may help; a write is tried once, because the outbox does the rest.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec
import stamina

from pipeline.actions.senders import Outcome
from pipeline.errors import ConfigurationError, SourceError
from pipeline.ingest.client import Answer
from pipeline.ingest.pages import PageError, cut_page, value_at
from pipeline.ingest.profile import Limits, Lookup, Operation, Profile
from pipeline.settings import RestConnection
from resources.rest_auth import Identity, TokenRequest, identity_of
from resources.rest_body import BodyError, check_json, read_body
from resources.rest_deadline import DeadlineError, DeadlineTransport, within
from resources.rest_errors import Attempt, HttpError, NeverReachedError, NoTokenError, from_exception, from_status
from resources.rest_pace import Pace, retry_after_seconds
from resources.rest_writes import not_to_be_sent, outcome_of, request_of

Clock = Callable[[], datetime]
Query = Sequence[tuple[str, str]]

_CONNECTIONS: Final = 4
_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 30.0
_FIRST_WAIT_SECONDS: Final = 0.25
_LONGEST_WAIT_SECONDS: Final = 20.0
_DOWN_SECONDS: Final = 15.0
_UNREACHED_SECONDS: Final = 5.0
# Retries are not for the terminal; whoever wants to see them gives the logger a handler.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "vipgrid"}


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer read whole, whatever its status; a body is kept of successes only."""

    status: int
    headers: httpx.Headers
    body: bytes
    received_at: datetime


def open_client(
    name: str,
    connection: RestConnection,
    profile: Profile,
    *,
    clock: Clock,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> RestClient:
    """Make a connection's client; nothing is asked yet. ``transport`` and ``sleep`` are exchanged in tests.

    Raises:
        ConfigurationError: ``base_url`` is neither https nor loopback, or a secret is missing.

    """
    base_url = _checked_base_url(name, connection.base_url)
    pace = Pace(profile.limits.requests_per_second, profile.limits.max_wait.total_seconds(), sleep=sleep)
    return RestClient(name, base_url, connection, profile, pace=pace, clock=clock, transport=transport)


def make_client(name: str, connection: RestConnection, profile: Profile) -> RestClient:
    """Make a connection's client with this machine's clock.

    Raises:
        ConfigurationError: ``base_url`` is neither https nor loopback, or a secret is missing.

    """
    from resources.clock import system_now  # the clock may itself be read over HTTP, by this module

    return open_client(name, connection, profile, clock=system_now)


def fetch_json(url: str) -> dict[str, Any]:
    """Read one JSON object from an address that asks for no authentication, such as a clock.

    Raises:
        ConfigurationError: the address is neither https nor loopback.
        SourceError: it does not answer with a JSON object.

    """
    checked = urlsplit(_checked_base_url("clock", url))
    attempt = Attempt("Asking", checked.hostname or "", checked.geturl())
    with (
        _open_http(None) as http,
        _said(attempt),
        within(_CONNECT_SECONDS),
        http.stream("GET", url) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise from_status(attempt, response.status_code, None)
        body = read_body(response, Limits().max_body_bytes)
        check_json(response, body)
    value = msgspec.json.decode(body)
    if not isinstance(value, dict):
        message = f"{attempt} gave no JSON object: correct the address."
        raise SourceError(message, is_transient=False)
    return value


class RestClient:
    """One connection's client. Safe to use from several threads."""

    def __init__(  # noqa: PLR0913 - made by open_client only
        self,
        name: str,
        base_url: str,
        connection: RestConnection,
        profile: Profile,
        *,
        pace: Pace,
        clock: Clock,
        transport: httpx.BaseTransport | None,
    ) -> None:
        """Keep what is needed to ask."""
        self._name = name
        self._base_url = base_url
        self._limits = profile.limits
        self._pace = pace
        self._clock = clock
        self._http = _open_http(transport)
        self._identity: Identity = identity_of(name, profile.auth, connection.secrets, self._fetch_token)
        self._down: NeverReachedError | None = None
        self._down_until = 0.0
        self._unreached_since: float | None = None

    def __repr__(self) -> str:
        """Name the connection, and nothing that is secret."""
        return f"RestClient({self._name!r}, {self._base_url!r})"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, query: Query, *, what: str) -> Answer:
        """Read one JSON answer, trying again where that may help.

        Raises:
            GoneError: 410.
            SourceError: it cannot be had.

        """
        attempt = Attempt(f"Fetching {what} from", self._name, self._url_of(path, what))

        def ask() -> _Response:
            return self._authorised(lambda headers: self._ask("GET", path, query, attempt, headers=headers))

        response = self._repeatedly(ask)
        return Answer(
            url=attempt.url,
            query=tuple(query) or _query_of(path),
            status=response.status,
            headers=dict(response.headers),
            body=response.body,
            received_at=response.received_at,
        )

    def send(self, operation: Operation, payload: Mapping[str, Any], *, key: str) -> Outcome:
        """Try one write once, under an idempotency key. Never raises for what the remote does."""
        try:
            request = request_of(operation, payload, key)
        except (KeyError, ValueError) as error:
            return not_to_be_sent(operation, error)
        attempt = Attempt("Writing to", self._name, self._url_of(request.path, "a write"))

        def ask(headers: dict[str, str]) -> _Response:
            return self._ask(
                operation.method, request.path, (), attempt, headers=headers | request.headers, body=request.body
            )

        try:
            self._raise_if_down()
            response = self._authorised(ask)
        except SourceError as error:
            return outcome_of(operation, error)
        return outcome_of(operation, response)

    def look_up(self, lookup: Lookup, keys: Sequence[str]) -> dict[str, str]:
        """Return the remote ids of those keys that the remote has.

        Raises:
            SourceError: the remote cannot be asked, or its answer is not what the profile says.

        """
        found: dict[str, str] = {}
        for start in range(0, len(keys), lookup.batch):
            query = [(lookup.param, key) for key in keys[start : start + lookup.batch]]
            answer = self.get(lookup.path, query, what="what was written before")
            try:
                records = [msgspec.json.decode(item) for item in cut_page(answer.body, lookup.records).items]
            except (PageError, msgspec.DecodeError) as error:
                message = (
                    f"Looking up keys at {self._name} ({answer.url}) gave another page than the profile says: {error}."
                )
                raise SourceError(message, is_transient=False) from error
            pairs = [(value_at(record, lookup.key), value_at(record, lookup.id)) for record in records]
            found |= {str(key): str(remote_id) for key, remote_id in pairs if key in keys and remote_id is not None}
        return found

    def _repeatedly(self, ask: Callable[[], _Response]) -> _Response:
        self._raise_if_down()
        try:
            for attempt in stamina.retry_context(
                on=self._wait_or_give_up,
                attempts=self._limits.attempts,
                timeout=None,
                wait_initial=_FIRST_WAIT_SECONDS,
                wait_max=_LONGEST_WAIT_SECONDS,
            ):
                with attempt:
                    return ask()
        except NeverReachedError as error:
            # The other streams need not find out each for itself.
            self._down, self._down_until = error, time.monotonic() + _DOWN_SECONDS
            raise
        raise AssertionError

    def _raise_if_down(self) -> None:
        if self._down is not None and time.monotonic() < self._down_until:
            raise self._down

    def _wait_or_give_up(self, error: Exception) -> bool | float:
        """Tell stamina: give up (False), back off as usual (True), or at once, because the pace holds back."""
        if not isinstance(error, SourceError) or isinstance(error, NoTokenError) or not error.is_transient:
            return False
        if isinstance(error, NeverReachedError):
            now = time.monotonic()
            self._unreached_since = self._unreached_since or now
            return now - self._unreached_since < _UNREACHED_SECONDS
        asked = error.wait_seconds if isinstance(error, HttpError) else None
        if asked is None:
            return True
        self._pace.hold(asked)
        return 0.0 if asked <= self._limits.max_wait.total_seconds() else False

    def _authorised(self, ask: Callable[[dict[str, str]], _Response]) -> _Response:
        headers = self._identity.headers()
        try:
            return ask(headers)
        except HttpError as error:
            if error.status != httpx.codes.UNAUTHORIZED or not self._identity.forget(headers):
                raise
        return ask(self._identity.headers())

    def _fetch_token(self, request: TokenRequest) -> bytes:
        attempt = Attempt("Asking for a token at", self._name, self._url_of(request.path, "a token"))

        def ask() -> _Response:
            return self._ask(
                "POST", request.path, request.query, attempt, headers=dict(request.headers), form=request.form
            )

        try:
            return self._repeatedly(ask).body
        except SourceError as error:
            raise NoTokenError(str(error), is_transient=error.is_transient) from error

    def _ask(  # noqa: PLR0913 - what makes a request
        self,
        method: str,
        path: str,
        query: Query,
        attempt: Attempt,
        *,
        headers: dict[str, str],
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
    ) -> _Response:
        url = path if path.startswith(("http://", "https://")) else self._base_url + path
        self._pace.wait()
        with (
            _said(attempt),
            within(self._limits.deadline.total_seconds()),
            self._http.stream(
                method, url, params=list(query) or None, headers=headers, content=body, data=form
            ) as response,
        ):
            self._unreached_since = None
            self._pace.note(response.headers)
            status = response.status_code
            if not _brings_something(method, status):
                wait_seconds = retry_after_seconds(response.headers, self._clock())
                raise from_status(attempt, status, wait_seconds)
            content = read_body(response, self._limits.max_body_bytes)
            if content or method == "GET":
                check_json(response, content)
            return _Response(status, response.headers, content, self._clock())

    def _url_of(self, path: str, what: str) -> str:
        """Return the address without its query, refusing one of another origin."""
        if not path.startswith(("http://", "https://")):
            return self._base_url + path.partition("?")[0]
        target = urlsplit(path)
        if _origin(target) != _origin(urlsplit(self._base_url)):
            message = (
                f"Fetching {what} from {self._name}: the next page's link leads to another origin "
                f"({target.scheme}://{target.hostname}), which is never followed."
            )
            raise SourceError(message, is_transient=False)
        return target._replace(query="", fragment="").geturl()


def _open_http(transport: httpx.BaseTransport | None) -> httpx.Client:
    return httpx.Client(
        transport=transport or DeadlineTransport(connections=_CONNECTIONS),
        headers=_HEADERS,
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


@contextmanager
def _said(attempt: Attempt) -> Iterator[None]:
    """Turn what httpx and the body's reader raise into the error that says it."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, BodyError, DeadlineError) as error:
        raise from_exception(attempt, error) from error


def _brings_something(method: str, status: int) -> bool:
    return status == httpx.codes.OK or (method != "GET" and httpx.codes.is_success(status))


def _checked_base_url(name: str, base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        is_plain = False
    if not is_plain or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        message = f"base_url of connection {name} is not an address: write https://host[:port][/path], nothing more."
        raise ConfigurationError(message)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        message = f"base_url of connection {name} must begin with https:// (http:// is for this machine only)."
        raise ConfigurationError(message)
    return base_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _query_of(path: str) -> tuple[tuple[str, str], ...]:
    return tuple(httpx.URL(path).params.multi_items()) if "?" in path else ()
