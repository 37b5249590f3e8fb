"""The faults of HTTP, by name: how an answer is spoiled, and what a person is told where it stays so.

Belongs here: what goes wrong between a good answer and its receiver. Does not belong here: lies of the source about its
pages (``tests.faults.paging``), records (``tests.faults.data``).
"""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.faults.server import Answer, Send

Spoil = Callable[[Answer], Answer]


@dataclass(frozen=True)
class Fault:
    """A fault, and how it is told; ``passes`` = it is worth another try, so that one that goes away does no harm."""

    name: str
    send: Send
    said: str
    passes: bool = True


def _answered(spoil: Spoil) -> Send:
    return lambda connection, good: connection.sendall(spoil(good).bytes())


def _status(status: str, **headers: str) -> Send:
    return _answered(lambda _: Answer(b'{"title":"no"}', status).with_headers(**headers))


def _body(change: Callable[[bytes], bytes], **headers: str) -> Send:
    return _answered(lambda good: replace(good, body=change(good.body)).with_headers(**headers))


def _reset(connection: socket.socket) -> None:
    """Make closing a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _hang_up(connection: socket.socket, _good: Answer) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _reset_before_headers(connection: socket.socket, _good: Answer) -> None:
    _reset(connection)


def _broken_off(share: float) -> Send:
    """Reset the connection after so much of the whole answer, headers included."""

    def send(connection: socket.socket, good: Answer) -> None:
        data = good.bytes()
        connection.sendall(data[: int(len(data) * share)])
        _reset(connection)

    return send


def _after_headers(connection: socket.socket, good: Answer) -> None:
    connection.sendall(good.head())
    _reset(connection)


def _too_short_a_body(connection: socket.socket, good: Answer) -> None:
    connection.sendall(good.head(length=len(good.body) + 10) + good.body)


def _length_of_the_half(connection: socket.socket, good: Answer) -> None:
    connection.sendall(good.head(length=len(good.body) // 2) + good.body)


def _end_without_length(connection: socket.socket, good: Answer) -> None:
    connection.sendall(good.head(length=-1) + good.body[: len(good.body) // 2])


def _torn_chunks(connection: socket.socket, good: Answer) -> None:
    head = good.with_headers(Transfer_Encoding="chunked").head(length=-1)
    connection.sendall(head + b"%x\r\n%b\r\n" % (len(good.body), good.body))


def _no_http(connection: socket.socket, _good: Answer) -> None:
    connection.sendall(b"\x16\x03\x01 SSH-2.0-nothing\r\n\r\n")


def _squeezed(body: bytes) -> bytes:
    return gzip.compress(body)


BUSY = "was answered with"
TORN = "broke off"
NO_JSON = "it is not one whole JSON text"
PASSING = (
    Fault("429 without Retry-After", _status("429 Slow"), BUSY),
    Fault("429 that asks for seconds", _status("429 Slow", Retry_After="1"), "asks to wait 1 s"),
    Fault("429 that names a date", _status("429 Slow", Retry_After="Mon, 02 Mar 2026 08:00:02 GMT"), BUSY),
    Fault("429 that names a date long past", _status("429 Slow", Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"), BUSY),
    Fault("429 that asks for less than nothing", _status("429 Slow", Retry_After="-5"), BUSY),
    Fault("429 that says nonsense", _status("429 Slow", Retry_After="when ready"), BUSY),
    Fault("429 whose budget has 5,000 digits", _status("429 Slow", RateLimit_Remaining="9" * 5000), BUSY),
    *(
        Fault(status, _status(f"{status} No"), BUSY)
        for status in ("500", "502", "503", "504", "520", "599", "408", "425")
    ),
    Fault("connection ended before any header", _hang_up, TORN),
    Fault("connection reset before any header", _reset_before_headers, TORN),
    Fault("connection reset within the headers", _broken_off(0.05), TORN),
    Fault("connection reset behind the headers", _after_headers, TORN),
    Fault("connection reset within the body", _broken_off(0.7), TORN),
    Fault("body shorter than its length", _too_short_a_body, TORN),
    Fault("body longer than its length", _length_of_the_half, NO_JSON),
    Fault("body without a length that ends early", _end_without_length, NO_JSON),
    Fault("chunks without the last one", _torn_chunks, TORN),
    Fault("something that is no HTTP", _no_http, TORN),
    Fault("truncated JSON with the right length", _body(lambda body: body[: len(body) // 2]), NO_JSON),
    Fault("JSON without its last bracket", _body(lambda body: body[:-1]), NO_JSON),
    Fault("two documents", _body(lambda body: body + body), NO_JSON),
    Fault("nothing with 200", _body(lambda _: b""), "it is empty"),
    Fault("text with 200", _body(lambda _: b"OK"), NO_JSON),
    Fault("UTF-16", _body(lambda body: body.decode("latin-1").encode("utf-16")), NO_JSON),
    Fault("gzip that was torn", _body(lambda b: _squeezed(b)[:-9], Content_Encoding="gzip"), "it broke off"),
    Fault("gzip that is none", _body(lambda body: body, Content_Encoding="gzip"), "it is not the gzip that it says"),
    Fault(
        "gzip with a second one behind it",
        _body(lambda body: _squeezed(body) + _squeezed(body), Content_Encoding="gzip"),
        "something stands behind the end of its gzip",
    ),
)
REDIRECT = "redirect (30"
LASTING = (
    Fault(
        "429 that asks for a day", _status("429 Slow", Retry_After="86400"), "asks to wait 86400 s", passes=False
    ),
    Fault(
        "503 that asks for 10^400 seconds",
        _status("503 Later", Retry_After="9" * 401),
        "asks to wait 31622400 s",
        passes=False,
    ),
    Fault(
        "429 that names a date beyond all calendars",
        _status("429 Slow", Retry_After="Mon, 02 Mar 9999 08:00:00 GMT"),
        "asks to wait 31622400 s",
        passes=False,
    ),
    Fault(
        "login page with 200",
        _answered(lambda _: Answer(b"<html>Log in</html>", kind="text/html")),
        "not JSON by its content type",
        passes=False,
    ),
    Fault("another charset", _answered(lambda good: replace(good, kind="application/json; charset=utf-16")),
          "charset", passes=False),
    Fault("another encoding", _body(lambda body: body, Content_Encoding="br"), "content encoding", passes=False),
    Fault(
        "gzip bomb",
        _body(lambda _: _squeezed(b'{"items":[' + b" " * 3_000_000 + b"]}"), Content_Encoding="gzip"),
        "larger than 1000000 bytes",
        passes=False,
    ),
    Fault("body that is too large", _body(lambda body: body + b" " * 1_000_000), "larger than 1000000 bytes",
          passes=False),
    Fault("204 that is not the end", _answered(lambda _: Answer(b"", "204 No Content")), "204, which brings no page",
          passes=False),
    Fault("206", _answered(lambda good: replace(good, status="206 Partial Content")), "206, which brings no page",
          passes=False),
    Fault("errors in a success", _body(lambda _: b'{"items":[],"errors":[{"message":"no"}]}'), "lists errors",
          passes=False),
    Fault("401 that never ends", _status("401 No"), "check the secrets", passes=False),
    Fault("403", _status("403 No"), "ask the operator of vip for the right", passes=False),
    Fault("404, as of a stream that is absent", _status("404 No"), "correct base_url, or the path", passes=False),
    Fault("400", _status("400 No"), "refused with 400", passes=False),
    *(
        Fault(f"redirect {status} to {where}", _status(f"{status} Moved", Location=where), REDIRECT, passes=False)
        for status, where in (
            (301, "http://127.0.0.2/elsewhere"),
            (302, "file:///etc/passwd"),
            (303, "http://169.254.169.254/latest/meta-data/"),
            (307, "/v1/assets"),
            (308, "http://localhost/plain"),
        )
    ),
)  # fmt: skip
FAULTS = (*PASSING, *LASTING)
FAULT_OF = {fault.name: fault for fault in FAULTS}
