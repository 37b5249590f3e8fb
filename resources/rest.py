"""The HTTP client: the only place where one is made, and the only way to a tenant's API.

Belongs here: one request and its answer, telling what became of a write. Does not belong here: pages
(``pipeline.ingest.rest``), the outbox, trying again (``resources.rest_patience``), what a failure means
(``resources.rest_errors``).

Reads are tried again where that may help; a write is tried once, because the outbox does the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from pipeline.actions.senders import Outcome
from pipeline.errors import SourceError
from pipeline.ingest.client import Answer, ReadRequest
from pipeline.ingest.pages import PageError
from pipeline.ingest.paths import parse_path, put_at
from pipeline.ingest.profile import Profile
from pipeline.ingest.profile_limits import Limits
from pipeline.ingest.profile_writes import Lookup, Operation
from pipeline.settings import RestConnection
from resources.rest_address import address_of, checked_base_url, hidden, is_url, query_of, with_query
from resources.rest_auth import Identity, TokenRequest, identity_of
from resources.rest_body import check_json, read_body
from resources.rest_deadline import DeadlineTransport, waited_seconds, within
from resources.rest_errors import Attempt, HttpError, NoTokenError, from_status, said
from resources.rest_lookups import keys_in, request_for
from resources.rest_pace import Pace, retry_after_seconds
from resources.rest_patience import Patience
from resources.rest_signing import Outgoing
from resources.rest_verdict import Expected, Response, judged
from resources.rest_writes import not_to_be_sent, outcome_of, request_of

Clock = Callable[[], datetime]
Query = Sequence[tuple[str, str]]

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 30.0
# At INFO httpx logs whole addresses, and a webhook's address may be a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

_JSON: Final = {"Content-Type": "application/json"}
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "vipgrid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request: what is asked, and what may come."""

    path: str
    query: Query = ()
    headers: Mapping[str, str]
    body: bytes | None = None
    form: Mapping[str, str] | None = None
    expected: Expected


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
    base_url = checked_base_url(name, connection.base_url)
    pace = Pace(profile.limits, sleep=sleep)
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
    checked = urlsplit(checked_base_url("clock", url))
    attempt = Attempt("Asking", checked.hostname or "", checked.geturl())
    with (
        _open_http(None) as http,
        said(attempt),
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


def post_once(name: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
    """Post to an address that may itself be a secret; return the status, and for how many seconds it asks to wait.

    Raises:
        SourceError: nobody answered.

    """
    from resources.clock import system_now  # the clock may itself be read over HTTP, by this module

    attempt = Attempt("Writing to", name, urlsplit(url).hostname or "")
    with (
        _open_http(None) as http,
        said(attempt),
        within(_READ_SECONDS),
        http.stream("POST", url, content=body, headers=dict(headers)) as response,
    ):
        return response.status_code, retry_after_seconds(response.headers, system_now())


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
        self._patience = Patience(profile.limits, pace)
        self._clock = clock
        self._http = _open_http(transport, profile.limits.concurrency)
        self._identity: Identity = identity_of(name, profile.auth, connection.secrets, self._fetch_token)

    def __repr__(self) -> str:
        """Name the connection, and nothing that is secret."""
        return f"RestClient({self._name!r}, {self._base_url!r})"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def log_in(self) -> None:
        """Get what authenticates us, where it has to be fetched.

        Raises:
            SourceError: it is not to be had.

        """
        self._identity.headers()

    def get(self, path: str, query: Query, *, what: str) -> Answer:
        """Read one JSON answer to a plain question.

        Raises:
            GoneError: 410.
            SourceError: it cannot be had.

        """
        return self.ask(ReadRequest(path=path, query=query), what=what)

    def ask(self, request: ReadRequest, *, what: str) -> Answer:
        """Read one JSON answer, trying again where that may help.

        Raises:
            GoneError: 410, or what the profile says is the same.
            TooMuchError: what the profile says means that.
            SourceError: it cannot be had.

        """
        attempt = self._attempt(f"Fetching {what} from", request.path, what)
        expected = Expected(request.method, takes_nothing=request.takes_nothing, rules=request.rules)
        own = {**request.headers, **({} if request.body is None else _JSON)}

        def ask() -> Response:
            return self._authorised(lambda headers: self._ask(attempt, call(headers)))

        def call(headers: Mapping[str, str]) -> _Call:
            return _Call(
                path=request.path,
                query=request.query,
                headers={**own, **headers},
                body=request.body,
                expected=expected,
            )

        waited = waited_seconds()
        response = self._patience.repeatedly(ask, attempt, is_repeatable=request.is_repeatable)
        secret, words = self._identity.query, self._identity.words
        body = hidden(response.body, secret, words)
        return Answer(
            url=attempt.url,
            query=tuple(request.query) or tuple(pair for pair in query_of(request.path) if pair[0] not in dict(secret)),
            status=response.status,
            headers={name: hidden(text.encode(), secret, words).decode() for name, text in response.headers.items()},
            body=body,
            parts=response.parts if body is response.body else None,
            received_at=response.received_at,
            verdict=response.verdict,
            waited_seconds=waited_seconds() - waited,
        )

    def send(self, operation: Operation, payload: Mapping[str, Any], *, key: str) -> Outcome:
        """Try one write once, under an idempotency key. Never raises for what the remote does."""
        try:
            request = request_of(operation, payload, key)
        except (KeyError, ValueError) as error:
            return not_to_be_sent(operation, error)
        attempt = self._attempt("Writing to", request.path, "a write")

        def ask(headers: dict[str, str]) -> Response:
            expected = Expected(operation.method, is_read=False, rules=operation.errors)
            own = {**headers, **request.headers}
            query = tuple(operation.query.items())
            call = _Call(path=request.path, query=query, headers=own, body=request.body, expected=expected)
            return self._ask(attempt, call)

        try:
            self._patience.raise_if_down(attempt)
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
        for start in range(0, len(keys), lookup.size):
            asked = keys[start : start + lookup.size]
            answer = self.ask(request_for(lookup, asked), what="what was written before")
            try:
                found |= keys_in(lookup, asked, answer)
            except PageError as error:
                message = (
                    f"Looking up keys at {self._name} ({answer.url}) gave another page than the profile says: {error}."
                )
                raise SourceError(message, is_transient=False) from error
        return found

    def _authorised(self, ask: Callable[[dict[str, str]], Response]) -> Response:
        headers = self._identity.headers()
        try:
            return ask(headers)
        except HttpError as error:
            if error.status != httpx.codes.UNAUTHORIZED or not self._identity.forget(headers):
                raise
        return ask(self._identity.headers())

    def _fetch_token(self, request: TokenRequest) -> tuple[bytes, Mapping[str, str]]:
        attempt = Attempt(
            "Asking for a token at",
            self._name,
            address_of(self._name, self._base_url, request.path, "a token"),
            is_login=True,
        )

        def ask() -> Response:
            body = _as_json(request.form) if request.is_json else None
            headers = {**request.headers, **(_JSON if request.is_json else {})}
            form = None if request.is_json or request.is_get else request.form
            expected = Expected("GET" if request.is_get else "POST", is_read=False)
            call = _Call(
                path=request.path, query=request.query, headers=headers, body=body, form=form, expected=expected
            )
            return self._ask(attempt, call)

        try:
            answer = self._patience.repeatedly(ask, attempt)
        except SourceError as error:
            # What was answered stays behind: a login's request is made of secrets, and an answer may repeat it.
            raise NoTokenError(str(error), is_transient=error.is_transient) from error
        return answer.body, answer.headers

    def _signed(self, call: _Call, url: str) -> Mapping[str, str]:
        return self._identity.signed(Outgoing(call.expected.method, url, call.body or b"", self._clock()))

    def _attempt(self, doing: str, path: str, what: str) -> Attempt:
        return Attempt(doing, self._name, address_of(self._name, self._base_url, path, what))

    def _ask(self, attempt: Attempt, call: _Call) -> Response:
        secret = () if attempt.is_login else self._identity.query
        url = with_query(call.path if is_url(call.path) else self._base_url + call.path, call.query, secret)
        with (
            self._pace.turn() as slot,
            said(attempt),
            within(self._limits.deadline.total_seconds()),
            self._http.stream(
                call.expected.method,
                url,
                headers={**call.headers, **self._signed(call, url)},
                content=call.body,
                data=call.form,
            ) as response,
        ):
            self._patience.reached()
            now = self._clock()
            self._pace.answered(slot)
            self._pace.adapt(response.status_code)
            self._pace.note(response.headers, now)
            try:
                return judged(
                    attempt,
                    response,
                    call.expected,
                    max_bytes=self._limits.max_body_bytes,
                    wait_seconds=retry_after_seconds(response.headers, now),
                    received_at=now,
                )
            except SourceError as error:
                error.answered = hidden(error.answered, self._identity.query, self._identity.words)
                raise


def _as_json(form: Mapping[str, str]) -> bytes:
    body: dict[str, Any] = {}
    for name, text in form.items():
        put_at(body, parse_path(name), text)
    return msgspec.json.encode(body)


def _open_http(transport: httpx.BaseTransport | None, connections: int = 1) -> httpx.Client:
    return httpx.Client(
        transport=transport or DeadlineTransport(connections=connections),
        headers=_HEADERS,
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )
