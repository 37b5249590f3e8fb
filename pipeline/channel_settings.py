"""The sections ``alerts``, ``channels`` and ``targets`` of the configuration: where to, and how hard we try.

Belongs here: the shape of the sections, their defaults, what is refused of them. Does not belong here: what goes to
which channel (``pipeline.channels``), how it gets there (``resources``).
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from pipeline.settings_types import Span, Strict

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MAIL_DOMAIN: Final = re.compile(r"[A-Za-z0-9.-]{1,190}")
# Standard Webhooks: between 24 and 64 bytes, as base64, after the prefix.
_WHSEC: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        message = f"{value!r} is no name of a channel: write lower-case letters, digits and _"
        raise ValueError(message)
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        size = len(base64.b64decode(text.removeprefix(_WHSEC), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if not text.startswith(_WHSEC) or size not in _SECRET_BYTES:
        message = "a webhook's secret is 'whsec_' and the base64 text of 24 to 64 bytes"
        raise ValueError(message)
    return value


ChannelName = Annotated[str, AfterValidator(_name)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]


class Alerts(Strict):
    """Where what needs a person is told: one apprise URL; ``{owner}`` in it is the asset's owner."""

    url: SecretStr | None = None


class Target(Strict):
    """How hard a target is tried; what is not said is as ``notices`` says.

    ``lists_within``: how long it may take to list what it has accepted. Only after that, what is not listed is not
    there.
    """

    requests_per_second: float | None = Field(default=None, gt=0)
    max_attempts: int | None = Field(default=None, ge=1)
    lists_within: Span = timedelta(seconds=5)


class _Channel(Strict):
    """What every channel has.

    ``audience``: ``partners`` (a copy of each notice, to the partner's own contacts), ``owners`` (alerts, to the
    asset's owner), ``house`` (a copy of each notice, to people of ours). ``kinds``: of these only (none = all).
    ``partners``: about these partners only (none = all). ``urgency``: all, or only what is urgent.
    """

    audience: Literal["partners", "owners", "house"]
    kinds: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    urgency: Literal["all", "urgent"] = "all"
    requests_per_second: float = Field(default=5, gt=0)

    @model_validator(mode="after")
    def _owners_are_not_partners(self) -> Self:
        if self.audience == "owners" and self.partners:
            message = "'partners' says which partners' notices are copied; owners get alerts"
            raise ValueError(message)
        return self


class _Feed(_Channel):
    """A channel with one address: a partner's own one must not show what other partners are told."""

    @model_validator(mode="after")
    def _is_one_partners(self) -> Self:
        if self.audience == "partners" and len(self.partners) != 1:
            message = "a channel to partners with one address belongs to one partner: name it in 'partners'"
            raise ValueError(message)
        return self


class MailChannel(_Channel):
    """Mail over SMTP; ``sender`` is the address it comes from. TLS is left out on this machine only."""

    kind: Literal["mail"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    sender: str
    to: tuple[str, ...] = ()
    "Whom mail to the house goes to."

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        local, _, domain = self.sender.rpartition("@")
        if not local or _MAIL_DOMAIN.fullmatch(domain) is None or any(c.isspace() or c in "<>,;" for c in local):
            message = f"'sender' is no address: {self.sender!r}"
            raise ValueError(message)
        if (self.user is None) != (self.password is None):
            message = "'user' and 'password' go together"
            raise ValueError(message)
        if self.security == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            message = "'security: none' is for this machine only: write starttls or tls"
            raise ValueError(message)
        if (self.audience == "house") != bool(self.to):
            message = "'to' names whom mail to the house goes to, and only there"
            raise ValueError(message)
        return self


class AppriseChannel(_Feed):
    """Whatever apprise can talk to, by its URL (Slack, Teams and the rest); ``{owner}`` in it is the asset's owner."""

    kind: Literal["apprise"]
    url: SecretStr


class WebhookChannel(_Feed):
    """A signed webhook (Standard Webhooks); each of ``secrets`` signs, so that a secret can be exchanged."""

    kind: Literal["webhook"]
    url: SecretStr
    secrets: tuple[WebhookSecret, ...] = Field(min_length=1, max_length=2)


Channel = Annotated[MailChannel | AppriseChannel | WebhookChannel, Field(discriminator="kind")]
Channels = dict[ChannelName, Channel]
