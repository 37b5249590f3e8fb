"""A profile's ``auth``: how a connection says who it is.

Belongs here: the kinds and the names of the secrets that each needs. Does not belong here: the secrets
(``vipgrid.yaml``), fetching tokens (``resources.rest_auth``).
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.ingest.paths import parse_path, put_at
from pipeline.ingest.profile_incremental import checked_format
from pipeline.ingest.profile_words import PathTo, Span, Strict

SIGNED_WORDS: Final = frozenset(
    {"method", "path", "query", "url", "host", "body", "body_sha256", "timestamp", "nonce", "signature"}
)
_SECRET: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def _named_in(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for text in texts for name in _SECRET.findall(text)))


class _WithHeaders(Strict):
    """What every kind may have besides."""

    headers: Mapping[str, str] = Field(default_factory=dict)
    "Further headers of every request, also of the one for a token: name, and value, in it `{secret}` for a secret."

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return tuple(dict.fromkeys((*self._own_secrets(), *_named_in(self.headers.values()))))

    @abstractmethod
    def _own_secrets(self) -> tuple[str, ...]:
        """Return the names of those that the kind itself needs."""


class NoAuth(Strict):
    """The API asks for nothing."""

    kind: Literal["none"] = "none"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return ()


class Bearer(_WithHeaders):
    """A token that does not change: secret ``token``."""

    kind: Literal["bearer"]

    def _own_secrets(self) -> tuple[str, ...]:
        return ("token",)


class ApiKey(_WithHeaders):
    """A key in a header or in the query, under a name of the tenant's choice: secret ``api_key``."""

    kind: Literal["api_key"]
    header: str = "X-Api-Key"
    "The header's name."
    prefix: str = ""
    "What stands before the key in the header, such as `Token ` (with its blank)."
    query: str | None = None
    "The query parameter's name: then the key stands there and in no header."

    def _own_secrets(self) -> tuple[str, ...]:
        return ("api_key",)


class Basic(_WithHeaders):
    """HTTP Basic (RFC 7617): secrets ``username`` and ``password``."""

    kind: Literal["basic"]

    def _own_secrets(self) -> tuple[str, ...]:
        return ("username", "password")


class Headers(Strict):
    """Several headers, each with a secret in it."""

    kind: Literal["headers"]
    headers: Mapping[str, str] = Field(min_length=1)
    "Header name: its value, with `{secret}` where the connection's secret of that name goes."

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        return _named_in(self.headers.values())


class _OAuth2(_WithHeaders):
    """What the two grants have in common."""

    token_path: str = "/oauth2/token"  # noqa: S105 - a path
    "Where tokens are asked for, below base_url."
    send: Literal["basic", "body"] = "basic"
    "Client id and secret as HTTP Basic, or in the form (RFC 6749, 2.3.1)."
    grant_in: Literal["body", "query"] = "body"
    "Where the grant type stands: in the form as RFC 6749 says, or in the query."
    scope: str | None = None
    "The scope that is asked for."
    extra: Mapping[str, str] = Field(default_factory=dict)
    "Further fields of the form, such as an audience."
    lifetime: Span | None = None
    "How long a token lives, where the answer has no `expires_in`; the next is fetched a tenth before (30 s at most)."


class ClientCredentials(_OAuth2):
    """OAuth2 client credentials (RFC 6749, 4.4): secrets ``client_id`` and ``client_secret``."""

    kind: Literal["oauth2_client_credentials"]

    def _own_secrets(self) -> tuple[str, ...]:
        return ("client_id", "client_secret")


class RefreshToken(_OAuth2):
    """OAuth2 refresh token (RFC 6749, 6): secrets ``client_id``, ``client_secret``, ``refresh_token``.

    A new refresh token in an answer is used as long as the process runs; it is stored nowhere, so the one in the
    configuration has to stay valid.
    """

    kind: Literal["oauth2_refresh_token"]

    def _own_secrets(self) -> tuple[str, ...]:
        return ("client_id", "client_secret", "refresh_token")


class SessionToken(_WithHeaders):
    """A token from a login: one request with secrets in it, whose answer has a token for a while."""

    kind: Literal["session_token"]
    login_path: str
    "Where the login goes, below base_url."
    login: Mapping[str, str] = Field(default_factory=dict)
    "The login's fields (in JSON, paths: `user.name`), with `{secret}` where the connection's secret of that name goes."
    send: Literal["json", "form", "query"] = "json"
    "How the fields are sent: posted as JSON or as a form, or with GET in the `query`."
    token: PathTo = ("token",)
    "Where the answer has the token."
    token_header: str | None = None
    "The answer's header that has it, instead."
    expires_in: PathTo | None = None
    "Where the answer says for how many seconds."
    lifetime: Span | None = None
    "How long a token lives, where the answer does not say it (default 1h)."
    header: str = "Authorization"
    "The header that bears it."
    prefix: str = ""
    "What stands before the token in the header, such as `Bearer ` (with its blank)."
    query: str | None = None
    "The query parameter that bears it: then the token stands there and in no header."

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        if not self.login and not self.headers:
            message = "neither 'login' nor 'headers' says anything: so it is no login"
            raise ValueError(message)
        body: dict[str, object] = {}
        for name in self.login if self.send == "json" else ():
            put_at(body, parse_path(name), "")
        return self

    def _own_secrets(self) -> tuple[str, ...]:
        return _named_in(self.login.values())


class Signature(Strict):
    """Every request is signed with a key that is not sent (HMAC, RFC 2104): secret ``signing_key``.

    In `signs` and `headers` stand, in braces, the connection's secrets and: `method`; `path` and `query`, as they are
    sent; `url`; `host`; `body`; `body_sha256` (hexadecimal); `timestamp`; `nonce`, another one for each request. In
    `headers` also `signature`.
    """

    kind: Literal["hmac"]
    signs: str
    "The text that is signed, such as `{method}\\n{path}\\n{timestamp}\\n{body_sha256}` (in YAML's double quotes)."
    headers: Mapping[str, str] = Field(min_length=1)
    "Header name: its value, such as `HMAC {key_id}:{signature}`."
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    "The hash."
    encoding: Literal["hex", "base64"] = "hex"
    "How the signature is written."
    key_encoding: Literal["text", "base64", "hex"] = "text"
    "How the key is written in the secret."
    timestamp: Annotated[str, AfterValidator(checked_format)] = "epoch_seconds"
    "How `{timestamp}` is written, in the words of `incremental`'s `format`."

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if not any("signature" in _SECRET.findall(text) for text in self.headers.values()):
            message = "no header has the {signature}"
            raise ValueError(message)
        if any("signing_key" in _SECRET.findall(text) for text in self.headers.values()):
            message = "the {signing_key} is not sent: it signs"
            raise ValueError(message)
        if "signature" in _SECRET.findall(self.signs):
            message = "what is signed cannot have the {signature} in it"
            raise ValueError(message)
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it needs."""
        named = _named_in((self.signs, *self.headers.values()))
        return tuple(dict.fromkeys(("signing_key", *(name for name in named if name not in SIGNED_WORDS))))


Auth = Annotated[
    NoAuth | Bearer | ApiKey | Basic | Headers | ClientCredentials | RefreshToken | SessionToken | Signature,
    Field(discriminator="kind"),
]


def filled(text: str, secrets: Mapping[str, str]) -> str:
    """Put secrets into the places that name them."""
    return _SECRET.sub(lambda match: secrets[match[1]], text)
