"""The connection under the request: so that a server can hang up without an answer."""

import asyncio

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORTS: dict[tuple[str, int], asyncio.Transport] = {}


class KnownConnection(H11Protocol):
    """A connection that can be found again by the client's address."""

    _peer: tuple[str, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the connection."""
        super().connection_made(transport)
        self._peer = tuple(transport.get_extra_info("peername")[:2])
        _TRANSPORTS[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._peer is not None:
            _TRANSPORTS.pop(self._peer, None)
        super().connection_lost(exc)


async def hang_up(scope: Scope) -> None:
    """Close the connection of a request without a word."""
    transport = _TRANSPORTS.get(tuple(scope["client"]))
    if transport is not None:
        transport.abort()
    # Let the loop tell the protocol, or it would report an application that did not answer.
    await asyncio.sleep(0.01)
