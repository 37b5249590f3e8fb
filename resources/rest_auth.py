"""Who we are to a source: what to put into a request, and fetching it where it must be fetched.

Belongs here: the kinds of authentication of a profile. Does not belong here: asking (``resources.rest``).
No secret leaves this module but in a request's headers or form.
"""

from __future__ import annotations

import base64
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from urllib.parse import quote_plus

import msgspec
from pydantic import SecretStr

from pipeline.errors import ConfigurationError, SourceError
from pipeline.ingest.paths import found_at
from pipeline.ingest.profile_auth import (
    ApiKey,
    Auth,
    Basic,
    Bearer,
    ClientCredentials,
    Headers,
    NoAuth,
    RefreshToken,
    SessionToken,
    Signature,
    filled,
)
from resources.rest_signing import Outgoing, Signer

# Who we are is no secret, and may well stand in records.
_NAMES: Final = frozenset({"client_id", "username", "user"})
_REFRESH_BEFORE_SECONDS: Final = 30.0
_REFRESH_BEFORE_SHARE: Final = 0.1
_DEFAULT_LIFETIME_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What to ask for a token; ``is_json`` = the fields go as JSON, not as a form; ``is_get`` = in the query alone."""

    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    is_json: bool = False
    is_get: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    """What an answer brought."""

    text: str = field(repr=False)
    seconds: float
    refresh: str | None = field(default=None, repr=False)


class _Service(Protocol):
    """A way to get tokens."""

    def request(self, refresh: str | None) -> TokenRequest:
        """Return what to post; ``refresh`` = the last refresh token that came with a token."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> _Token:
        """Read the answer.

        Raises:
            ValueError: it has no token.

        """

    def headers(self, token: str) -> dict[str, str]:
        """Return the headers that bear a token."""

    def query(self, token: str) -> tuple[tuple[str, str], ...]:
        """Return what of the query bears it."""


FetchToken = Callable[[TokenRequest], tuple[bytes, Mapping[str, str]]]


class Identity(Protocol):
    """One connection's way to say who we are."""

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """What goes into every query, and into no message."""

    @property
    def words(self) -> tuple[str, ...]:
        """What must not be kept of an answer, should the source repeat it."""

    def headers(self) -> dict[str, str]:
        """Return the headers to send, fetching a token first where one is due."""

    def signed(self, request: Outgoing) -> dict[str, str]:
        """Return the headers that a request is signed with."""

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Give up what was refused; True where trying again with something fresh makes sense."""


def identity_of(  # noqa: PLR0911 - one for each kind
    name: str, auth: Auth, of_connection: Mapping[str, SecretStr], fetch: FetchToken
) -> Identity:
    """Return the connection's identity.

    Raises:
        ConfigurationError: a secret that the kind of authentication needs is not given.

    """
    given = {key: _secret(name, of_connection, key) for key in auth.secrets}
    words = tuple(value for key, value in given.items() if key not in _NAMES)
    further = (
        {} if isinstance(auth, NoAuth | Signature) else {key: filled(text, given) for key, text in auth.headers.items()}
    )
    match auth:
        case NoAuth():
            return _Fixed({})
        case Signature():
            return _Signed(Signer(name, auth, given), words)
        case Bearer():
            return _Fixed({**further, "Authorization": f"Bearer {given['token']}"}, words=words)
        case ApiKey(query=None):
            return _Fixed({**further, auth.header: f"{auth.prefix}{given['api_key']}"}, words=words)
        case ApiKey():
            return _Fixed(further, ((str(auth.query), given["api_key"]),), words=words)
        case Basic():
            basic = _basic(given["username"], given["password"])
            return _Fixed({**further, "Authorization": basic}, words=(*words, basic.removeprefix("Basic ")))
        case Headers():
            return _Fixed(further, words=words)
        case ClientCredentials() | RefreshToken():
            return _Fetched(name, _OAuth2(auth, given), fetch, words, further)
        case SessionToken():
            return _Fetched(name, _Session(auth, given), fetch, words, further)


def _secret(name: str, of_connection: Mapping[str, SecretStr], key: str) -> str:
    value = of_connection[key].get_secret_value() if key in of_connection else ""
    if not value:
        message = f"Connection {name} needs the secret {key}: write secrets: {{{key}: ${{NAME_OF_THE_VARIABLE}}}}."
        raise ConfigurationError(message)
    if not value.isprintable() or not value.isascii():
        message = f"The secret {key} of connection {name} holds a character that cannot be sent: was it cut or pasted?"
        raise ConfigurationError(message)
    return value


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


class _Fixed:
    """Something that does not change."""

    def __init__(
        self, headers: Mapping[str, str], query: tuple[tuple[str, str], ...] = (), words: tuple[str, ...] = ()
    ) -> None:
        self._headers = dict(headers)
        self.query = query
        self.words = words

    def headers(self) -> dict[str, str]:
        return dict(self._headers)

    def signed(self, request: Outgoing) -> dict[str, str]:  # noqa: ARG002 - nothing is
        return {}

    def forget(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing fresher
        return False


class _Signed(_Fixed):
    """A key that signs each request and is never sent."""

    def __init__(self, signer: Signer, words: tuple[str, ...]) -> None:
        super().__init__({}, words=words)
        self._signer = signer

    def signed(self, request: Outgoing) -> dict[str, str]:
        return self._signer.headers(request)


class _OAuth2:
    """A token service of RFC 6749."""

    def __init__(self, auth: ClientCredentials | RefreshToken, given: Mapping[str, str]) -> None:
        self._auth = auth
        self._given = given

    def request(self, refresh: str | None) -> TokenRequest:
        auth, given = self._auth, self._given
        grant = {"grant_type": "client_credentials"}
        form = dict(auth.extra) | ({"scope": auth.scope} if auth.scope else {})
        if isinstance(auth, RefreshToken):
            grant = {"grant_type": "refresh_token"}
            form["refresh_token"] = refresh or given["refresh_token"]
        headers = {}
        if auth.send == "basic":
            headers["Authorization"] = _basic(quote_plus(given["client_id"]), quote_plus(given["client_secret"]))
        else:
            form |= {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        if auth.grant_in == "query":
            return TokenRequest(auth.token_path, tuple(grant.items()), form, headers)
        return TokenRequest(auth.token_path, (), grant | form, headers)

    def read(self, body: bytes, headers: Mapping[str, str]) -> _Token:  # noqa: ARG002 - it is in the body
        answer = msgspec.json.decode(body)
        lifetime = self._auth.lifetime.total_seconds() if self._auth.lifetime else None
        seconds = lifetime or _seconds(found_at(answer, ("expires_in",)))
        refresh = found_at(answer, ("refresh_token",))
        return _Token(
            _text(found_at(answer, ("access_token",))), seconds, refresh if isinstance(refresh, str) else None
        )

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def query(self, token: str) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - it is in a header
        return ()


class _Session:
    """A login."""

    def __init__(self, auth: SessionToken, given: Mapping[str, str]) -> None:
        self._auth = auth
        self._given = given

    def request(self, refresh: str | None) -> TokenRequest:  # noqa: ARG002 - a login begins anew
        form = {name: filled(text, self._given) for name, text in self._auth.login.items()}
        if self._auth.send == "query":
            return TokenRequest(self._auth.login_path, tuple(form.items()), {}, {}, is_get=True)
        return TokenRequest(self._auth.login_path, (), form, {}, is_json=self._auth.send == "json")

    def read(self, body: bytes, headers: Mapping[str, str]) -> _Token:
        auth = self._auth
        answer = msgspec.json.decode(body) if body else None
        said = None if auth.expires_in is None else found_at(answer, auth.expires_in)
        fallback = auth.lifetime.total_seconds() if auth.lifetime else _DEFAULT_LIFETIME_SECONDS
        token = headers.get(auth.token_header.lower()) if auth.token_header else found_at(answer, auth.token)
        return _Token(_text(token), fallback if said is None else _seconds(said))

    def headers(self, token: str) -> dict[str, str]:
        return {} if self._auth.query else {self._auth.header: f"{self._auth.prefix}{token}"}

    def query(self, token: str) -> tuple[tuple[str, str], ...]:
        return ((self._auth.query, token),) if self._auth.query else ()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        message = "it is no token"
        raise ValueError(message)
    return value


def _seconds(said: object) -> float:
    if said is None:
        return _DEFAULT_LIFETIME_SECONDS
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        message = "it is no number of seconds"
        raise ValueError(message)  # noqa: TRY004 - it came from outside
    seconds = float(said)
    if not math.isfinite(seconds):
        message = "it is no number of seconds"
        raise ValueError(message)
    return seconds


class _Fetched:
    """A token that is fetched, and fetched again a while before it expires."""

    def __init__(
        self,
        name: str,
        service: _Service,
        fetch: FetchToken,
        words: tuple[str, ...],
        further: Mapping[str, str],
    ) -> None:
        self._name = name
        self._service = service
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._refresh: str | None = None
        self._good_until = 0.0
        self._words = words
        self._further = dict(further)

    @property
    def words(self) -> tuple[str, ...]:
        token = self._token
        return (*self._words, *(word for word in (token and token.text, self._refresh) if word))

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        token = self._token
        return self._service.query(token.text) if token else ()

    def signed(self, request: Outgoing) -> dict[str, str]:  # noqa: ARG002 - nothing is
        return {}

    def headers(self) -> dict[str, str]:
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._token = self._renewed()
            return {**self._further, **self._service.headers(self._token.text)}

    def forget(self, headers: Mapping[str, str]) -> bool:
        with self._lock:
            if self._token is not None and self._service.headers(self._token.text).items() <= headers.items():
                self._token = None
        return True

    def _renewed(self) -> _Token:
        asked_at = time.monotonic()
        request = self._service.request(self._refresh)
        body, headers = self._fetch(replace(request, headers={**self._further, **request.headers}))
        try:
            token = self._service.read(body, headers)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            message = f"The token that connection {self._name} was given is none: correct 'auth' in its profile."
            raise SourceError(message, is_transient=False) from error
        early = min(_REFRESH_BEFORE_SECONDS, token.seconds * _REFRESH_BEFORE_SHARE)
        self._refresh, self._good_until = token.refresh or self._refresh, asked_at + token.seconds - early
        return token
