"""Signed requests: the text that a profile says is signed, and the headers that bear the signature.

Belongs here: HMAC over what is sent. Does not belong here: the other ways to say who we are (``resources.rest_auth``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile_auth import Signature, filled
from pipeline.ingest.profile_incremental import Stamp


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it is about to be sent, but for its headers."""

    method: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    now: datetime


class Signer:
    """Signs requests as a profile says."""

    def __init__(self, name: str, auth: Signature, given: Mapping[str, str]) -> None:
        """Take the connection's secrets.

        Raises:
            ConfigurationError: the key is not written as the profile says.

        """
        self._auth = auth
        self._given = given
        self._key = _decoded(name, auth, given["signing_key"])

    def headers(self, request: Outgoing) -> dict[str, str]:
        """Return the headers of a request, the signature among them."""
        auth = self._auth
        known = {**self._given, **_words_of(request, auth.timestamp)}
        digest = hmac.new(self._key, filled(auth.signs, known).encode(), auth.algorithm).digest()
        known["signature"] = digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode()
        return {header: filled(text, known) for header, text in auth.headers.items()}


def _words_of(request: Outgoing, timestamp: str) -> dict[str, str]:
    # As httpx sends it, which writes some characters otherwise than they were given.
    url = httpx.URL(request.url)
    path, _, query = url.raw_path.decode().partition("?")
    return {
        "method": request.method,
        "path": path,
        "query": query,
        "url": str(url),
        "host": url.netloc.decode(),
        "body": request.body.decode("utf-8", "replace"),
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "timestamp": str(Stamp(format=timestamp).write(request.now)),
        "nonce": secrets.token_hex(16),
    }


def _decoded(name: str, auth: Signature, key: str) -> bytes:
    try:
        if auth.key_encoding == "base64":
            return base64.b64decode(key, validate=True)
        return bytes.fromhex(key) if auth.key_encoding == "hex" else key.encode()
    except ValueError as error:
        message = f"The secret signing_key of connection {name} is not {auth.key_encoding}: correct 'key_encoding'."
        raise ConfigurationError(message) from error
