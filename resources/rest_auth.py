"""Who we are to a source: what to put into a request, and fetching it where it must be fetched.

Belongs here: the kinds of authentication of a profile. Does not belong here: asking (``resources.rest``).
No secret leaves this module but in a request's headers or form.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import quote_plus

import msgspec
from pydantic import SecretStr

from pipeline.errors import ConfigurationError, SourceError
from pipeline.ingest.profile import ApiKey, Auth, Bearer, ClientCredentials, NoAuth

_REFRESH_BEFORE_SECONDS: Final = 30.0
_REFRESH_BEFORE_SHARE: Final = 0.1
_DEFAULT_LIFETIME_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What to post to get a token."""

    path: str
    query: tuple[tuple[str, str], ...]
    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class _TokenAnswer(msgspec.Struct):
    """RFC 6749, 5.1; further members are ignored."""

    access_token: str
    expires_in: int | str | None = None


FetchToken = Callable[[TokenRequest], bytes]


class Identity(Protocol):
    """One connection's way to say who we are."""

    def headers(self) -> dict[str, str]:
        """Return the headers to send, fetching a token first where one is due."""

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Give up what was refused; True where trying again with something fresh makes sense."""


def identity_of(name: str, auth: Auth, secrets: Mapping[str, SecretStr], fetch: FetchToken) -> Identity:
    """Return the connection's identity.

    Raises:
        ConfigurationError: a secret that the kind of authentication needs is not given.

    """
    match auth:
        case NoAuth():
            return _Fixed({})
        case Bearer():
            return _Fixed({"Authorization": f"Bearer {_secret(name, secrets, 'token')}"})
        case ApiKey():
            return _Fixed({auth.header: _secret(name, secrets, "api_key")})
        case ClientCredentials():
            request = _token_request(auth, _secret(name, secrets, "client_id"), _secret(name, secrets, "client_secret"))
            return _Fetched(name, request, auth, fetch)


def _secret(name: str, secrets: Mapping[str, SecretStr], key: str) -> str:
    value = secrets[key].get_secret_value() if key in secrets else ""
    if not value:
        message = f"Connection {name} needs the secret {key}: write secrets: {{{key}: ${{NAME_OF_THE_VARIABLE}}}}."
        raise ConfigurationError(message)
    if not value.isprintable() or not value.isascii():
        message = f"The secret {key} of connection {name} holds a character that cannot be sent: was it cut or pasted?"
        raise ConfigurationError(message)
    return value


def _token_request(auth: ClientCredentials, client_id: str, client_secret: str) -> TokenRequest:
    grant = {"grant_type": "client_credentials"}
    form = {**({} if auth.grant_in == "query" else grant), **({"scope": auth.scope} if auth.scope else {})}
    headers = {}
    if auth.send == "basic":
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client_id, "client_secret": client_secret}
    query = tuple(grant.items()) if auth.grant_in == "query" else ()
    return TokenRequest(auth.token_path, query, form, headers)


class _Fixed:
    """Something that does not change."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self) -> dict[str, str]:
        return dict(self._headers)

    def forget(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - there is nothing fresher
        return False


class _Fetched:
    """A token that is fetched, and fetched again a while before it expires."""

    def __init__(self, name: str, request: TokenRequest, auth: ClientCredentials, fetch: FetchToken) -> None:
        self._name = name
        self._request = request
        self._lifetime_seconds = auth.lifetime.total_seconds() if auth.lifetime else None
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    def headers(self) -> dict[str, str]:
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def forget(self, headers: Mapping[str, str]) -> bool:
        with self._lock:
            if headers.get("Authorization") == f"Bearer {self._token}":
                self._token = None
        return True

    def _renew(self) -> None:
        asked_at = time.monotonic()
        try:
            answer = msgspec.json.decode(self._fetch(self._request), type=_TokenAnswer)
            said = answer.expires_in
            lifetime = self._lifetime_seconds or (_DEFAULT_LIFETIME_SECONDS if said is None else float(said))
            is_usable = answer.access_token.isascii() and answer.access_token.isprintable()
        except (msgspec.MsgspecError, ValueError):
            is_usable = False
        if not is_usable:
            message = f"The token that connection {self._name} was given is none: correct token_path in its profile."
            raise SourceError(message, is_transient=False)
        early = min(_REFRESH_BEFORE_SECONDS, lifetime * _REFRESH_BEFORE_SHARE)
        self._token, self._good_until = answer.access_token, asked_at + lifetime - early
