"""Who may ask, and how often: tokens and rate limits, both by the machine's monotonic clock."""

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.http.problems import ProblemError

_TOKEN_SECONDS = 3600


@dataclass
class Tokens:
    """The tokens that are out. They die with the process, as they may anywhere."""

    client_id: str
    client_secret: str
    ticks: Callable[[], float] = time.monotonic
    _issued: dict[str, float] = field(default_factory=dict)

    def issue(self, authorization: str | None, form: dict[str, str]) -> tuple[str, int]:
        """Give a token, and the seconds for which it is good.

        Raises:
            ProblemError: The client is not known (401).
        """
        client_id, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        known = secrets.compare_digest(client_id.encode(), self.client_id.encode())
        if not (secrets.compare_digest(secret.encode(), self.client_secret.encode()) and known):
            raise ProblemError(
                401, "The client id or its secret is wrong.", headers={"WWW-Authenticate": 'Basic realm="sandbox"'}
            )
        now = self.ticks()
        self._issued = {token: end for token, end in self._issued.items() if end > now}
        token = secrets.token_urlsafe(24)
        self._issued[token] = now + _TOKEN_SECONDS
        return token, _TOKEN_SECONDS

    def client_of(self, authorization: str | None) -> str | None:
        """Name the client that bears this token, if it is good."""
        scheme, _, token = (authorization or "").partition(" ")
        is_good = scheme.lower() == "bearer" and self._issued.get(token.strip(), 0.0) > self.ticks()
        return self.client_id if is_good else None

    def revoke_all(self) -> None:
        """Let all tokens expire now."""
        self._issued.clear()


@dataclass
class Limiter:
    """So many requests in a window of so many seconds, for each client."""

    limit: int
    window_seconds: float
    ticks: Callable[[], float] = time.monotonic
    _windows: dict[str, tuple[float, int]] = field(default_factory=dict)

    def count(self, client: str) -> tuple[bool, dict[str, str]]:
        """Count a request; say whether it is within the limit, and the headers that tell so."""
        now = self.ticks()
        begun, used = self._windows.get(client, (now, 0))
        if now - begun >= self.window_seconds:
            begun, used = now, 0
        self._windows[client] = (begun, used + 1)
        reset = max(1, round(begun + self.window_seconds - now + 0.5))
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - used - 1)),
            "RateLimit-Reset": str(reset),
        }
        return used < self.limit, headers


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (client_id, secret) if colon else ("", "")
