"""The dispatcher's doors to the outside: which target is written to by what, and real time.

Belongs here: making the senders that a configuration allows, and this machine's waiting. Does not belong
here: how a write is made (``resources.rest_writes``), a mail, a webhook, an alert, what is sent when
(``pipeline.actions``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager

from pipeline.actions.alerts import OWNER
from pipeline.actions.dispatch import limits_of
from pipeline.actions.senders import Sender
from pipeline.channel_settings import AppriseChannel, Channel, MailChannel, WebhookChannel
from pipeline.channels.routing import CHANNEL_PREFIX, owners_channel
from pipeline.ingest.profile import Profile, load_profile
from pipeline.settings import RestConnection, Settings
from pipeline.streams import STREAMS
from resources.alerts import AlertSender
from resources.clock import system_now
from resources.mail import MailSender
from resources.rest import RestClient, make_client
from resources.rest_writes import RestSender
from resources.webhooks import WebhookSender

ClientFactory = Callable[[str, RestConnection, Profile], RestClient]


class SystemWaiter:
    """Real time (``pipeline.actions.pace.Waiter``), counted from when it was made."""

    def __init__(self) -> None:
        """Start counting."""
        self._started = time.monotonic()

    def elapsed_seconds(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self._started

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


@contextmanager
def open_senders(
    settings: Settings,
    *,
    addresses: Mapping[str, str] | None = None,
    client_factory: ClientFactory = make_client,
) -> Iterator[Mapping[str, Sender]]:
    """Give the doors by target: each system's first ``rest`` connection that can write, the channels, and the owners'.

    ``addresses`` is where each contact reads mail, by its id. A system that is read from files only has no door:
    nothing can be written there, and its actions stay pending. Where ``alerts.url`` says nothing, alerts take the
    first channel for owners.

    Raises:
        ConfigurationError: a profile, an address or a secret is wrong.

    """
    with ExitStack() as stack:
        senders: dict[str, Sender] = {}
        for name, connection in settings.connections.items():
            if not isinstance(connection, RestConnection):
                continue
            profile = load_profile(settings.folder / connection.profile)
            systems = {STREAMS[stream].system.value for stream in settings.streams_of(name)} - senders.keys()
            if profile.writes and systems:
                paced = _within_rates(profile, [limits_of(settings, system).requests_per_second for system in systems])
                client = stack.enter_context(closing(client_factory(name, connection, paced)))
                senders |= dict.fromkeys(systems, RestSender(client, profile))
        for name, channel in settings.channels.items():
            senders[CHANNEL_PREFIX + name] = _channel_sender(name, channel, addresses or {})
        own_door = owners_channel(settings)
        if settings.alerts.url is not None:
            senders[OWNER] = AlertSender(settings.alerts.url)
        elif own_door is not None:
            senders[OWNER] = senders[CHANNEL_PREFIX + own_door]
        yield senders


def _within_rates(profile: Profile, rates: Sequence[float]) -> Profile:
    """Return the profile with the targets' rates: every request counts there, such as each page of a look-up."""
    slowest = min(profile.limits.requests_per_second, *rates)
    limits = profile.limits.model_copy(update={"requests_per_second": slowest})
    return profile.model_copy(update={"limits": limits})


def _channel_sender(name: str, channel: Channel, addresses: Mapping[str, str]) -> Sender:
    match channel:
        case MailChannel():
            return MailSender(name, channel, addresses)
        case WebhookChannel():
            return WebhookSender(name, channel, clock=system_now)
        case AppriseChannel():
            return AlertSender(channel.url, f"channels.{name}.url")
