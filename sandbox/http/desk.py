"""The endpoints outside the contract, for whoever holds the sandbox in hand: clock, faults, what was received.

They ask for no token, and answer to this machine only.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sandbox import instants
from sandbox.http import receipts
from sandbox.http.access import Tokens
from sandbox.http.faults import Faults
from sandbox.http.problems import ProblemError, problem_response
from sandbox.world import World

_STEPS = {"days": instants.DAY, "hours": instants.HOUR, "minutes": instants.MINUTE}


@dataclass
class Desk:
    """The desk of one server."""

    world: World
    faults: Faults
    tokens: Tokens
    seen: Counter[str]

    async def answer(self, request: Request, path: str) -> Response:
        """Answer a request of the operator."""
        try:
            handler = self._handler(request, path)
            return Response(msgspec.json.encode(await handler(request)), media_type="application/json")
        except ProblemError as problem:
            return problem_response(problem)

    def _handler(self, request: Request, path: str) -> Callable[[Request], Awaitable[Any]]:
        handlers: dict[tuple[str, str], Callable[[Request], Awaitable[Any]]] = {
            ("GET", "/sandbox/clock"): self._clock,
            ("POST", "/sandbox/clock/advance"): self._advance,
            ("GET", "/sandbox/received"): self._received,
            ("GET", "/sandbox/notices"): self._notices,
            ("GET", "/sandbox/writes"): self._writes,
            ("POST", "/sandbox/faults"): self._set_faults,
            ("POST", "/sandbox/tokens/expire"): self._expire_tokens,
        }
        if request.client is None or not ip_address(request.client.host).is_loopback:
            raise ProblemError(403, "The desk answers to this machine only.")
        if (request.method, path) not in handlers:
            raise ProblemError(404, f"The desk knows {', '.join(' '.join(one) for one in handlers)}.")
        return handlers[request.method, path]

    async def _clock(self, _: Request) -> dict[str, Any]:
        return {"now": instants.utc(self.world.now), "seed": self.world.seed, "scale": self.world.scale}

    async def _advance(self, request: Request) -> dict[str, Any]:
        body = await _json(request)
        try:
            if "to" in body:
                target = instants.parse(body["to"])
            else:
                target = self.world.now + sum(int(float(body.get(unit, 0)) * size) for unit, size in _STEPS.items())
        except (TypeError, ValueError) as error:
            raise ProblemError(422, 'Say {"days": n, "hours": n, "minutes": n} or {"to": instant}.') from error
        if target < self.world.now:
            raise ProblemError(409, f"The clock stands at {instants.utc(self.world.now)} and does not go back.")
        happened = self.world.advance(target)
        return {"now": instants.utc(self.world.now), "happened": happened}

    async def _received(self, _: Request) -> dict[str, Any]:
        return receipts.summary(self.world.store) | {"requests_since_start": dict(sorted(self.seen.items()))}

    async def _notices(self, request: Request) -> dict[str, Any]:
        found = receipts.posted_notices(self.world.store, request.query_params.get("partner_id"))
        return {"notices": [one | {"posted_at": instants.utc(one["posted_at"])} for one in found]}

    async def _writes(self, _: Request) -> dict[str, Any]:
        return receipts.writes(self.world.store)

    async def _set_faults(self, request: Request) -> dict[str, Any]:
        body = await _json(request)
        names = [name for name in body if hasattr(self.faults, name) and type(body[name]) is int]
        if len(names) != len(body):
            raise ProblemError(422, "Known faults: fail_next, status, accept_then_drop, delay_next, delay_ms.")
        for name in names:
            setattr(self.faults, name, body[name])
        return dict(vars(self.faults))

    async def _expire_tokens(self, _: Request) -> dict[str, Any]:
        self.tokens.revoke_all()
        return {"tokens": 0}


async def _json(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ProblemError(400, "The body is not a JSON object.") from error
