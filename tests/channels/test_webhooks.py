"""Signed webhooks as a real receiver checks them, with the library that the standard's authors wrote."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pipeline.actions.senders import Effect, Outcome, Result
from pipeline.channel_settings import WebhookChannel
from pipeline.errors import ConfigurationError
from resources.clock import system_now
from resources.webhooks import WebhookSender

KEY = "0749607b-4689-5c43-8ea0-ec514f953dbf"
OLD, NEW, OTHER = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"o", b"n", b"x"))
PAYLOAD = {
    "kind": "withdrawal",
    "partner_id": "P1",
    "subject": "Zurückgezogen",
    "body": "Bitte löschen.",
    "decided_at": "2026-03-10T08:00:00.000000Z",
    "original": "N1",
}


@dataclass
class Receiver:
    """What came in; ``answer`` says what is answered."""

    port: int
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(status: int = 204, headers: dict[str, str] | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {"Content-Length": "0", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def sender(url: str, *secrets: str) -> WebhookSender:
    given = {"kind": "webhook", "audience": "partners", "partners": ["P1"], "url": url, "secrets": secrets or (NEW,)}
    return WebhookSender("hook", WebhookChannel.model_validate(given), clock=system_now)


def post(receiver: Receiver, *secrets: str) -> Outcome:
    return sender(f"http://127.0.0.1:{receiver.port}/in/CANARY-PATH", *secrets).post(
        Effect(KEY, "copy_notice", PAYLOAD)
    )


def test_a_receiver_verifies_the_signature_and_reads_the_notice() -> None:
    with receiving() as receiver:
        assert post(receiver).result is Result.ACCEPTED

    ((headers, body),) = receiver.requests
    message = Webhook(NEW).verify(body, headers)
    assert {name.lower(): value for name, value in headers.items()}["webhook-id"] == KEY
    assert message == {
        "type": "notice.withdrawal",
        "timestamp": "2026-03-10T08:00:00.000000Z",
        "data": {
            "kind": "withdrawal",
            "partner_id": "P1",
            "subject": "Zurückgezogen",
            "body": "Bitte löschen.",
            "original": "N1",
        },
    }


@pytest.mark.parametrize("known", [OLD, NEW])
def test_while_a_secret_is_exchanged_a_receiver_needs_to_know_one_of_the_two(known: str) -> None:
    with receiving() as receiver:
        post(receiver, NEW, OLD)

    ((headers, body),) = receiver.requests
    assert Webhook(known).verify(body, headers)


def tampered_body(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return headers, body.replace(b"P1", b"P2")


def tampered_id(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "webhook-id": "another"}, body


def tampered_time(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body


@pytest.mark.parametrize("tampered", [tampered_body, tampered_id, tampered_time])
def test_what_was_changed_on_the_way_is_refused(
    tampered: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]],
) -> None:
    with receiving() as receiver:
        post(receiver)
    lower = {name.lower(): value for name, value in receiver.requests[0][0].items()}
    headers, body = tampered(lower, receiver.requests[0][1])

    assert Webhook(NEW).verify(receiver.requests[0][1], lower)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, headers)


def test_another_secret_verifies_nothing() -> None:
    with receiving() as receiver:
        post(receiver)

    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(receiver.requests[0][1], receiver.requests[0][0])


def test_a_repeated_attempt_has_the_same_id_and_the_same_body() -> None:
    with receiving() as receiver:
        post(receiver)
        post(receiver)

    (first, second) = receiver.requests
    assert first[1] == second[1]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]


@pytest.mark.parametrize(
    ("status", "headers", "result", "asked"),
    [
        (200, {}, Result.ACCEPTED, None),
        (202, {}, Result.ACCEPTED, None),
        (302, {"Location": "http://127.0.0.1:1/"}, Result.UNKNOWN, None),
        (404, {}, Result.UNKNOWN, None),
        (410, {}, Result.REJECTED, None),
        (429, {"Retry-After": "7"}, Result.TRANSIENT, 7.0),
        (500, {}, Result.UNKNOWN, None),
        (0, {}, Result.UNKNOWN, None),
    ],
)
def test_only_2xx_is_taken_and_only_410_is_final(
    status: int, headers: dict[str, str], result: Result, asked: float | None
) -> None:
    with receiving(status, headers) as receiver:
        outcome = post(receiver)

    assert (outcome.result, outcome.retry_after_seconds) == (result, asked)
    assert len(receiver.requests) == 1


def test_a_receiver_that_is_not_there_is_down() -> None:
    with receiving() as receiver:
        pass
    outcome = post(receiver)

    assert (outcome.result, outcome.is_target_down) == (Result.TRANSIENT, True)


def test_no_secret_and_nothing_of_the_address_is_to_be_read_anywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(500) as receiver:
        failed = post(receiver)
    down = post(receiver)
    door = sender("https://hooks.example/CANARY-PATH?token=CANARY-TOKEN", NEW)

    seen = f"{failed} {down} {door!r} {door._channel!r} {caplog.text}"
    assert "CANARY" not in seen
    assert NEW not in seen
    assert NEW.removeprefix("whsec_") not in seen
    assert "PATH" in msgspec.json.encode(door._channel.url.get_secret_value()).decode()


@pytest.mark.parametrize(
    "url", ["http://hooks.example/CANARY", "ftp://CANARY", "https://u:CANARY@x.example/", "CANARY"]
)
def test_an_address_that_is_not_safe_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"channels\.hook\.url must begin with https") as refused:
        sender(url)
    assert "CANARY" not in str(refused.value)
