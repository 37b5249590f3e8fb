"""A total deadline for a request, which httpx does not have.

Belongs here: the network layer that gives every wait on a socket only what is left of the request's
time, and counts how long these took. Does not belong here: requests (``resources.rest``).

httpx's ``timeout`` is per read: a server that drips a byte a second, in the headers or in the body,
keeps a client for ever.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import httpcore
import httpx

_ends_at: ContextVar[float | None] = ContextVar("_ends_at", default=None)
_Result = TypeVar("_Result")


class _Waited(threading.local):
    seconds = 0.0


_waited = _Waited()


class DeadlineError(Exception):
    """The time given to a request is over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give everything that this thread does on the network in this block so many seconds in all.

    Raises:
        DeadlineError: they were not enough.

    """
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    except (httpx.TimeoutException, httpcore.TimeoutException) as error:
        if _left() <= 0:
            raise DeadlineError from error
        raise
    finally:
        _ends_at.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """httpx's own transport over sockets that keep to the deadline; no proxy from the environment."""

    def __init__(self, *, connections: int) -> None:
        """Make the pool; TLS is verified always, against ``SSL_CERT_FILE`` too where it is set."""
        verified: ssl.SSLContext = httpx.create_ssl_context()
        super().__init__(verify=verified)
        self._pool = httpcore.ConnectionPool(
            ssl_context=verified,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=30,
            network_backend=_Backend(),
        )


def _left() -> float:
    ends_at = _ends_at.get()
    return float("inf") if ends_at is None else ends_at - time.monotonic()


def waited_seconds() -> float:
    """Return for how long this thread has waited for the network so far."""
    return _waited.seconds


def _limited(
    wait: Callable[[float | None], _Result], timeout: float | None, over: type[httpcore.TimeoutException]
) -> _Result:
    left = _left()
    if left <= 0:
        raise over
    began = time.monotonic()
    try:
        return wait(left if timeout is None or left < timeout else timeout)
    finally:
        _waited.seconds += time.monotonic() - began


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return _limited(lambda left: self._stream.read(max_bytes, left), timeout, httpcore.ReadTimeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        _limited(lambda left: self._stream.write(buffer, left), timeout, httpcore.WriteTimeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(
            _limited(
                lambda left: self._stream.start_tls(ssl_context, server_hostname, left),
                timeout,
                httpcore.ConnectTimeout,
            )
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            _limited(
                lambda left: self._backend.connect_tcp(host, port, left, local_address, socket_options),
                timeout,
                httpcore.ConnectTimeout,
            )
        )
