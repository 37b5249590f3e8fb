"""Signed webhooks (Standard Webhooks 1.0): one attempt at one address.

Belongs here: the message, its signatures, what an answer means. Does not belong here: which notice goes to which
address (``pipeline.channels``), trying again (``pipeline.actions``), HTTP (``resources.rest``).

``webhook-id`` is the action's key: a receiver that has seen it ignores the repetition, so at-least-once is enough.
Each secret signs; while a secret is exchanged there are two of them, and the receiver needs to know one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from pipeline.actions.alerts import ALERT
from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.channel_settings import WebhookChannel
from pipeline.errors import ConfigurationError, SourceError
from resources.rest import post_once
from resources.rest_address import is_loopback
from resources.rest_errors import NeverReachedError

_PREFIX: Final = "whsec_"
_NOT_IN_DATA: Final = frozenset({"decided_at", "contact"})
_BUSY: Final = frozenset({408, 425, 429})


class WebhookSender:
    """The dispatcher's door to a receiver of webhooks (``pipeline.actions.senders.Sender``)."""

    def __init__(self, name: str, channel: WebhookChannel, *, clock: Callable[[], datetime]) -> None:
        """Check the address; nothing is sent. ``clock`` is real time: receivers refuse what is old by theirs.

        Raises:
            ConfigurationError: the address is neither https nor on this machine.

        """
        url = channel.url.get_secret_value()
        try:
            parts = urlsplit(url)
            is_known = bool(parts.hostname) and not parts.username
        except ValueError:
            is_known = False
        if not is_known or (
            parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        ):
            raise ConfigurationError(
                f"channels.{name}.url must begin with https:// (http:// is for this machine only)."
            )
        self._name = name
        self._channel = channel
        self._clock = clock

    def __repr__(self) -> str:
        """Name the channel, and nothing that is secret."""
        return f"WebhookSender({self._name!r})"

    def list_of(self, operation: str) -> None:
        """No receiver lists what it has."""
        del operation

    def post(self, effect: Effect) -> Outcome:
        """Post once."""
        body = message_of(effect.payload)
        headers = {
            "Content-Type": "application/json",
            **signed(effect.key, int(self._clock().timestamp()), body, self._keys()),
        }
        try:
            status, asked_seconds = post_once(self._name, self._channel.url.get_secret_value(), body, headers)
        except SourceError as error:
            is_down = isinstance(error, NeverReachedError)
            result = Result.TRANSIENT if is_down else Result.UNKNOWN
            return Outcome(result=result, error=str(error), is_target_down=is_down)
        return self._outcome(status, asked_seconds)

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return nothing: no receiver lists what it has."""
        del listing, keys
        return {}

    def _keys(self) -> list[bytes]:
        texts = [secret.get_secret_value() for secret in self._channel.secrets]
        return [base64.b64decode(text.removeprefix(_PREFIX)) for text in texts]

    def _outcome(self, status: int, asked_seconds: float | None) -> Outcome:
        if httpx.codes.is_success(status):
            return Outcome(result=Result.ACCEPTED)
        if status == httpx.codes.GONE:
            error = f"The receiver of channels.{self._name} is gone (410): take the channel out of the configuration."
            return Outcome(result=Result.REJECTED, error=error)
        error = f"The receiver of channels.{self._name} answered with {status}; a webhook is taken with 2xx."
        result = Result.TRANSIENT if status in _BUSY else Result.UNKNOWN
        return Outcome(result=result, error=error, retry_after_seconds=asked_seconds)


def message_of(payload: Mapping[str, Any]) -> bytes:
    """Return the message: its type, when it was decided (the same at every attempt), and what the notice says."""
    data = {name: value for name, value in payload.items() if name not in _NOT_IN_DATA}
    kind = payload.get("kind", ALERT)
    return msgspec.json.encode(
        {"type": kind if kind == ALERT else f"notice.{kind}", "timestamp": payload.get("decided_at"), "data": data}
    )


def signed(message_id: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the headers that sign a message: ``v1``, HMAC-SHA256 over id, timestamp and body, once for each key."""
    text = f"{message_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
