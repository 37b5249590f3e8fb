"""Mail as a real server receives it: well-formed, from the action alone, and at least once."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pipeline.actions.senders import Effect, Outcome, Result
from pipeline.channel_settings import MailChannel
from resources.mail import MailSender, mail_of

KEY = "0749607b-4689-5c43-8ea0-ec514f953dbf"
PAYLOAD: dict[str, Any] = {
    "kind": "version_change",
    "subject": "Größere Änderung: Allergene 🍷",
    "body": "Guten Tag,\n\n    <b>Sulfite & Spuren</b>\n    von Nüssen.\n\nBitte ersetzen Sie die Datei."
    + " lang" * 400,
    "language": "de",
    "contact": "U1",
    "decided_at": "2026-03-10T08:00:00.000000Z",
}
ADDRESSES = {"U1": "a@p1.example", "U2": "b@p2.example"}


class Mailbox:
    """A server's handler: keeps what it takes, refuses as told."""

    def __init__(self, *, to_recipient: str = "250 OK", to_data: str = "250 OK", breaks: bool = False) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self._to_recipient = to_recipient
        self._to_data = to_data
        self._breaks = breaks

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self._to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self._to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del session
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        self.recipients.append(envelope.rcpt_tos)
        if self._breaks:
            server.transport.abort()  # type: ignore[union-attr]
        return self._to_data


@contextmanager
def serving(handler: Mailbox, **options: Any) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(handler, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def sender(port: int, **changes: Any) -> MailSender:
    channel = {
        "kind": "mail",
        "audience": "partners",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "notices@vip.example",
    }
    return MailSender("mail", MailChannel.model_validate(channel | changes), ADDRESSES)


def post(port: int, payload: dict[str, Any] | None = None, **changes: Any) -> Outcome:
    return sender(port, **changes).post(Effect(KEY, "copy_notice", PAYLOAD | (payload or {})))


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_real_server_receives_a_well_formed_multipart_mail() -> None:
    box = Mailbox()
    with serving(box) as port:
        assert post(port).result is Result.ACCEPTED

    assert box.recipients == [["a@p1.example"]]
    mail = parsed(box.mails[0])
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert all(not part.defects for part in mail.walk())
    headers = {name: str(mail[name]) for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "List-Id")}
    assert headers == {
        "From": "notices@vip.example",
        "To": "a@p1.example",
        "Subject": PAYLOAD["subject"],
        "Message-ID": f"<{KEY}@vip.example>",
        "Auto-Submitted": "auto-generated",
        "List-Id": "<vipgrid-notices.vip.example>",
    }
    assert mail["Date"].datetime.isoformat() == "2026-03-10T08:00:00+00:00"
    assert mail["Content-Language"] == "de"
    assert max(len(line) for line in box.mails[0].split(b"\r\n")) <= 998


def test_both_parts_say_the_notice_and_nothing_in_it_is_markup() -> None:
    box = Mailbox()
    with serving(box) as port:
        post(port)

    plain, html = parsed(box.mails[0]).iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert plain.get_content().replace("\r\n", "\n").strip() == PAYLOAD["body"]
    assert "&lt;b&gt;Sulfite &amp; Spuren&lt;/b&gt;" in html.get_content()
    assert "<b>" not in html.get_content()
    assert 'lang="de"' in html.get_content()


def test_the_same_action_makes_the_same_mail_byte_for_byte() -> None:
    effect = Effect(KEY, "copy_notice", PAYLOAD)

    assert bytes(mail_of(effect, "n@x.example", ["a@b.example"])) == bytes(
        mail_of(effect, "n@x.example", ["a@b.example"])
    )


@pytest.mark.parametrize(
    "text", ["x\r\nBcc: evil@example.com", "x\n\nbody", "x\u2028y", "=?utf-8?q?x?=\r\n y", "\x00", "a" * 3_000]
)
def test_no_subject_makes_another_header(text: str) -> None:
    box = Mailbox()
    with serving(box) as port:
        assert post(port, {"subject": text, "language": "de\r\nX-Evil: 1"}).result is Result.ACCEPTED

    mail = parsed(box.mails[0])
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert box.recipients == [["a@p1.example"]]


@pytest.mark.parametrize(
    "address",
    ["a@b.example,evil@x.example", "a@b.example\r\nRCPT TO:<e@x.example>", "<a@b.example>", "a b@c.example", "ä@b"],
)
def test_an_address_that_is_more_than_one_address_is_none(address: str) -> None:
    channel = sender(1)
    channel._addresses = {"U1": address}

    outcome = channel.post(Effect(KEY, "copy_notice", PAYLOAD))
    assert outcome.result is Result.REJECTED
    assert address not in str(outcome)


def test_a_contact_that_is_gone_by_now_gets_nothing() -> None:
    assert post(1, {"contact": "U9"}).result is Result.REJECTED


@pytest.mark.parametrize(
    ("box", "result"),
    [
        ({"to_recipient": "550 no such user"}, Result.REJECTED),
        ({"to_recipient": "450 try later"}, Result.TRANSIENT),
        ({"to_data": "554 spam"}, Result.REJECTED),
        ({"to_data": "451 greylisted"}, Result.TRANSIENT),
        ({"breaks": True}, Result.UNKNOWN),
    ],
)
def test_what_a_server_answers_says_what_became_of_the_mail(box: dict[str, Any], result: Result) -> None:
    with serving(Mailbox(**box)) as port:
        outcome = post(port)

    assert outcome.result is result
    assert "p1.example" not in (outcome.error or "")


def test_a_server_that_is_not_there_is_down_and_counts_against_no_mail() -> None:
    with serving(Mailbox()) as port:
        pass
    outcome = post(port)

    assert (outcome.result, outcome.is_target_down) == (Result.TRANSIENT, True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_a_wrong_password_is_the_channels_failure_and_is_nowhere_to_be_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(*_: Any) -> AuthResult:
        assert isinstance(_[4], LoginPassword)
        return AuthResult(success=False, handled=False)

    options = {"authenticator": refuse, "auth_require_tls": False, "auth_required": True}
    with serving(Mailbox(), **options) as port:
        channel = sender(port, user="u", password="CANARY")
        outcome = channel.post(Effect(KEY, "copy_notice", PAYLOAD))

    assert (outcome.result, outcome.is_target_down) == (Result.TRANSIENT, True)
    ours = [record for record in caplog.records if not record.name.startswith("mail.log")]
    assert "CANARY" not in f"{outcome} {channel!r} {channel._channel!r} {ours}"


def test_a_mail_to_the_house_and_one_to_an_owner_have_their_own_recipients() -> None:
    box = Mailbox()
    with serving(box) as port:
        post(port, audience="house", to=("x@vip.example", "y@vip.example"))
        post(port, {"owner": "olga@vip.example", "kind": "alert"}, audience="owners")

    assert box.recipients == [["x@vip.example", "y@vip.example"], ["olga@vip.example"]]
    assert parsed(box.mails[1])["List-Id"] == "<vipgrid-alerts.vip.example>"
