"""One server's door: contract, tokens, limits, idempotency, pages; the same for both systems."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox import instants
from sandbox.http import receipts
from sandbox.http.access import Limiter, Tokens
from sandbox.http.contract import Contract, Operation
from sandbox.http.desk import Desk
from sandbox.http.faults import Faults
from sandbox.http.paging import DEFAULT_LIMIT, Pager
from sandbox.http.problems import ProblemError, problem_response
from sandbox.http.reading import Call, read_call, refuse_unacceptable
from sandbox.http.receipts import Answer
from sandbox.http.wire import hang_up
from sandbox.streams import STREAMS, System
from sandbox.world import World

WriteHandler = Callable[[World, Call], Answer]


@dataclass
class Gateway:
    """The ASGI application of one system."""

    system: System
    world: World
    contract: Contract
    pager: Pager
    tokens: Tokens
    limiter: Limiter
    faults: Faults
    desk: Desk
    writes: Mapping[str, WriteHandler]
    seen: Counter[str]
    _in_progress: set[tuple[str, str]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        path = request.url.path
        response = (
            await self.desk.answer(request, path)
            if path.startswith("/sandbox/")
            else await self._limited(request, path)
        )
        if response is None:
            await hang_up(scope)
        else:
            await response(scope, receive, send)

    async def _limited(self, request: Request, path: str) -> Response | None:
        client = self.tokens.client_of(request.headers.get("authorization"))
        address = request.client.host if request.client else "nowhere"
        within, headers = self.limiter.count(client or address)
        try:
            if path != "/healthz":
                _refuse_excess(headers, is_within=within)
            response = await self._routed(request, path, client)
        except ProblemError as problem:
            response = problem_response(problem)
        if response is not None:
            response.headers.update(headers)
            self.seen[f"status {response.status_code}"] += 1
        return response

    async def _routed(self, request: Request, path: str, client: str | None) -> Response | None:
        found = self.contract.find(path)
        if found is None:
            raise ProblemError(404, "There is no such path.")
        item, raw_path = found
        operation = item.operations.get(request.method.lower())
        if operation is None or request.method != request.method.upper():
            allowed = ", ".join(sorted(method.upper() for method in item.operations))
            raise ProblemError(405, f"This path knows {allowed}.", headers={"Allow": allowed})
        self.seen[operation.name] += 1
        if operation.is_open:
            refuse_unacceptable(request.headers)
            return await self._open(request, operation)
        if client is None:
            raise ProblemError(
                401, "A good bearer token is required.", headers={"WWW-Authenticate": 'Bearer realm="sandbox"'}
            )
        if self.faults.take_failure():
            status = self.faults.status
            raise ProblemError(status, "A fault that was asked for.", headers={"Retry-After": "1"})
        refuse_unacceptable(request.headers)
        call = await read_call(request, operation, raw_path, client)
        return self._read(call) if operation.method == "get" else await self._write(call)

    async def _open(self, request: Request, operation: Operation) -> Response:
        if operation.name == "getHealth":
            return Response(b'{"status":"ok"}', media_type="application/json")
        call = await read_call(request, operation, {}, "")
        token, seconds = self.tokens.issue(request.headers.get("authorization"), call.body)
        body = f'{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}'
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})

    def _read(self, call: Call) -> Response:
        if not call.path:
            return Response(self._page(call), media_type="application/json")
        kind = "access_rules" if call.operation.path.endswith("/access_rules") else call.stream
        kind = "asset_versions" if "version_no" in call.path else kind
        body = self.world.store.raw(kind, "|".join(map(str, call.path.values())))
        if body is None:
            raise ProblemError(404, "There is no such record.")
        return Response(body, media_type="application/json")

    def _page(self, call: Call) -> bytes:
        stream = STREAMS[call.stream]
        watermark = instants.utc(self.world.watermark(stream.name))
        if "external_key" in call.query:
            return self.pager.found(stream.name, call.query["external_key"], watermark)
        after = 0
        if "cursor" in call.query:
            after = self.pager.place(stream, call.query["cursor"])
        elif "changed_since" in call.query:
            after = self.world.store.place_before(stream.name, instants.parse(call.query["changed_since"]))
        return self.pager.page(stream, after, call.query.get("limit", DEFAULT_LIMIT), watermark)

    async def _write(self, call: Call) -> Response | None:
        place = (call.client, call.idempotency_key or "")
        if call.idempotency_key and place in self._in_progress:
            raise ProblemError(409, "The first request with this Idempotency-Key is still in progress.")
        self._in_progress.add(place)
        try:
            await asyncio.sleep(self.faults.take_delay_seconds())
            answer = self._take_effect(call)
        except ProblemError as problem:
            with self.world.living():
                receipts.book_refusal(self.world.store, call, problem, self.world.now)
            raise
        finally:
            self._in_progress.discard(place)
        if self.faults.take_drop():
            return None
        headers = {"Idempotency-Replayed": "true"} if answer.is_replay else {}
        if answer.location is not None:
            headers["Location"] = answer.location
        return Response(answer.body, answer.status, headers, media_type="application/json")

    def _take_effect(self, call: Call) -> Answer:
        client, mark = f"{self.system}:{call.client}", receipts.fingerprint(call, self.system)
        with self.world.living():
            if call.idempotency_key:
                stored = receipts.stored_answer(self.world.store, client, call, mark)
                if stored is not None:
                    return stored
            answer = self.writes[call.operation.name](self.world, call)
            receipts.book(self.world.store, call, answer, self.world.now)
            if call.idempotency_key:
                receipts.keep_answer(self.world.store, client, call, mark, answer)
            return answer


def _refuse_excess(headers: Mapping[str, str], *, is_within: bool) -> None:
    if not is_within:
        raise ProblemError(429, "Over the limit.", headers={"Retry-After": headers["RateLimit-Reset"]})
