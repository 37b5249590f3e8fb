"""Mail over SMTP: one message to one person, plain and as HTML, with a stable Message-ID.

Belongs here: the message, the conversation with the server, what its answers mean. Does not belong here: who gets
what (``pipeline.channels``), trying again (``pipeline.actions``).

Delivery is at least once: a server does not tell what it has. The Message-ID is made of the action's key, so that a
mailbox can tell a repetition (docs/channels.md says which do).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any, Final

from pipeline.actions.alerts import ALERT
from pipeline.actions.senders import Effect, Listing, Outcome, Result
from pipeline.channel_settings import MailChannel
from pipeline.instants import parse_instant

_TIMEOUT_SECONDS: Final = 30.0
# One plain address: whatever could begin another header, another recipient or a route is none.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_FIRST_PERMANENT: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


class MailSender:
    """The dispatcher's door to a mail server (``pipeline.actions.senders.Sender``); each attempt is a connection."""

    def __init__(self, name: str, channel: MailChannel, addresses: Mapping[str, str]) -> None:
        """Take the channel, and each contact's address by its id."""
        self._name = name
        self._channel = channel
        self._addresses = addresses

    def __repr__(self) -> str:
        """Name the channel, and nothing that is secret or personal."""
        return f"MailSender({self._name!r})"

    def list_of(self, operation: str) -> None:
        """No mail server lists what it has."""
        del operation

    def post(self, effect: Effect) -> Outcome:
        """Send one mail."""
        recipients = self._recipients(effect.payload)
        if not recipients or not all(_ADDRESS.fullmatch(address) for address in recipients):
            error = f"channels.{self._name}: nobody has a usable address there any more: drop the action."
            return Outcome(result=Result.REJECTED, error=error)
        try:
            server = self._connected()
        except smtplib.SMTPAuthenticationError as error:
            return self._down(f"refused the user and password ({error.smtp_code})")
        except (OSError, smtplib.SMTPException) as error:
            return self._down(f"could not be talked to ({type(error).__name__})")
        return self._handed_over(server, mail_of(effect, self._channel.sender, recipients), recipients)

    def look_up(self, listing: Listing, keys: Sequence[str]) -> Mapping[str, str]:
        """Return nothing: no mail server lists what it has."""
        del listing, keys
        return {}

    def _recipients(self, payload: Mapping[str, Any]) -> list[str]:
        match self._channel.audience:
            case "house":
                return list(self._channel.to)
            case "owners":
                return [str(payload["owner"])] if payload.get("owner") else []
            case "partners":
                address = self._addresses.get(str(payload.get("contact")))
                return [] if address is None else [address]

    def _connected(self) -> smtplib.SMTP:
        channel = self._channel
        server: smtplib.SMTP
        if channel.security == "tls":
            context = ssl.create_default_context()
            server = smtplib.SMTP_SSL(channel.host, channel.port, timeout=_TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(channel.host, channel.port, timeout=_TIMEOUT_SECONDS)
        try:
            if channel.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if channel.user is not None and channel.password is not None:
                server.login(channel.user, channel.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _handed_over(self, server: smtplib.SMTP, mail: EmailMessage, recipients: Sequence[str]) -> Outcome:
        try:
            refused = server.send_message(mail, self._channel.sender, recipients)
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(max(code for code, _ in error.recipients.values()), "the recipient")
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, "the mail")
        except (OSError, smtplib.SMTPException) as error:
            sentence = f"channels.{self._name}: the server broke off ({type(error).__name__}): it may have the mail."
            return Outcome(result=Result.UNKNOWN, error=sentence)
        else:
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()
        if refused:
            return self._refused(max(code for code, _ in refused.values()), "a recipient")
        return Outcome(result=Result.ACCEPTED)

    def _refused(self, code: int, what: str) -> Outcome:
        result = Result.REJECTED if code >= _FIRST_PERMANENT else Result.TRANSIENT
        return Outcome(result=result, error=f"channels.{self._name}: the server refused {what} with {code}.")

    def _down(self, what: str) -> Outcome:
        error = f"channels.{self._name}: the mail server {self._channel.host}:{self._channel.port} {what}."
        return Outcome(result=Result.TRANSIENT, error=error, is_target_down=True)


def mail_of(effect: Effect, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Write the mail; the same action makes the same mail, byte for byte."""
    payload = effect.payload
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = _CONTROL.sub(" ", str(payload["subject"])).strip()
    if payload.get("decided_at"):
        mail["Date"] = format_datetime(parse_instant(str(payload["decided_at"])))
    mail["Message-ID"] = f"<{effect.key}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"<vipgrid-{'alerts' if payload.get('kind', ALERT) == ALERT else 'notices'}.{domain}>"
    body = str(payload["body"])
    mail.set_content(body)
    mail.add_alternative(_html(body, str(payload.get("language") or "en")), subtype="html")
    if payload.get("language"):
        mail["Content-Language"] = _CONTROL.sub("", str(payload["language"]))
    mail.set_boundary(f"vipgrid-{effect.key}")
    return mail


def _html(body: str, language: str) -> str:
    # What the text says as it says it: indented blocks stay blocks, and nothing in it is markup.
    text = escape(body)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language, quote=True)}"><head><meta charset="utf-8"></head>\n'
        f'<body><div style="white-space: pre-wrap; font-family: sans-serif; max-width: 40em">{text}</div></body>\n'
        "</html>\n"
    )
