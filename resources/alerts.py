"""Alerts and copies of notices over one channel of apprise: Slack, Teams, and what else apprise knows.

Belongs here: the channel's secret URL, ``{owner}`` in it, one attempt. Does not belong here: which alerts are due,
and trying again (``pipeline.actions``).

Delivery is at least once: a channel does not tell what it has, so after an attempt of unknown fate it is sent again.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pydantic import SecretStr

from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import apprise

_OWNER: Final = "{owner}"
# An owner comes from VIP and goes into an address: nothing in it may change where the alert goes.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]{1,64}(@[A-Za-z0-9.-]{1,190})?")


class AlertSender:
    """The dispatcher's door to people whom apprise reaches (``pipeline.actions.senders.Sender``).

    ``name`` is where the URL stands in the configuration.
    """

    def __init__(self, url: SecretStr, name: str = "alerts.url") -> None:
        """Check that apprise knows the URL's kind; nothing is sent, and the URL is never shown.

        Raises:
            ConfigurationError: apprise cannot use it.

        """
        self._url = url
        self._name = name
        # apprise logs the addresses that it sends to; errors are told in the outcome.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._lock = threading.Lock()
        with warnings.catch_warnings():
            # apprise 1.x loads all its channels at the first use, and with them `imghdr`, which Python 3.11 deprecates.
            warnings.filterwarnings("ignore", message="'imghdr' is deprecated", category=DeprecationWarning)
            is_known = self._channel("owner@example.com") is not None
        if not is_known:
            raise ConfigurationError(
                f"{name} is no address that apprise can use: write it like mailtos://… or jsons://…"
            )

    def __repr__(self) -> str:
        """Say what it is, without the URL."""
        return f"AlertSender({self._name}=**********)"

    def list_of(self, operation: str) -> None:
        """No channel lists what it has."""
        del operation

    def post(self, effect: Effect) -> Outcome:
        """Send one alert."""
        owner = effect.payload.get("owner")
        if _OWNER in self._url.get_secret_value() and not _ADDRESS.fullmatch(str(owner or "")):
            error = f"{self._name} needs the asset's owner, and VIP names no address: name one there, then retry."
            return Outcome(result=Result.REJECTED, error=error)
        channel = self._channel(str(owner or ""))
        with self._lock:
            is_sent = bool(channel and channel.notify(title=effect.payload["subject"], body=effect.payload["body"]))
        if is_sent:
            return Outcome(result=Result.ACCEPTED)
        return Outcome(result=Result.UNKNOWN, error=f"The channel of {self._name} did not take the message.")

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return nothing: no channel lists what it has."""
        del listing, keys
        return {}

    def _channel(self, owner: str) -> apprise.Apprise | None:
        url = self._url.get_secret_value().replace(_OWNER, quote(owner, safe="@"))
        import apprise  # takes 0.3 s, and most runs have nothing to alert of

        channel = apprise.Apprise()
        return channel if channel.add(url) else None
