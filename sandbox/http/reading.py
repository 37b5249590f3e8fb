"""What a request says, once it is known to keep to the contract."""

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request

from sandbox.http.contract import Operation, Parameter, complaints
from sandbox.http.problems import Complaint, ProblemError

BODY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """A request that keeps to the contract."""

    operation: Operation
    client: str
    path: dict[str, Any]
    query: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None

    @property
    def stream(self) -> str:
        """Name the stream that the path begins with."""
        return self.operation.path.split("/")[2]


async def read_call(request: Request, operation: Operation, raw_path: dict[str, str], client: str) -> Call:
    """Read a request.

    Raises:
        ProblemError: It does not keep to the contract (400, 404, 413, 415, 422).
    """
    path = _path(operation, raw_path)
    query = _query(operation, request)
    key = _headers(operation, request.headers)
    body = await _body(operation, request) if operation.bodies else {}
    return Call(operation, client, path, query, body, key)


def refuse_unacceptable(headers: Headers) -> None:
    """Refuse a request that would not take JSON.

    Raises:
        ProblemError: `Accept` excludes it (406).
    """
    accept = headers.get("accept", "").strip()
    if not accept:
        return
    for choice in accept.lower().split(","):
        media, *rest = (part.strip() for part in choice.split(";"))
        if media in {"*/*", "application/*", "application/json"} and not any(_is_zero(part) for part in rest):
            return
    raise ProblemError(406, "The answer is application/json, and Accept excludes it.")


def _is_zero(part: str) -> bool:
    name, _, value = part.partition("=")
    return name.strip() == "q" and value.strip().strip("0.") == ""


def _path(operation: Operation, raw: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, parameter in operation.in_place("path").items():
        values[name] = _coerced(parameter, raw[name])
        if not parameter.validator.is_valid(values[name]):
            raise ProblemError(404, f"There is no {name} of this form.")
    return values


def _query(operation: Operation, request: Request) -> dict[str, Any]:
    known = operation.in_place("query")
    found: list[Complaint] = []
    values: dict[str, Any] = {}
    for name in dict.fromkeys(request.query_params.keys()):
        raw = request.query_params.getlist(name)
        parameter = known.get(name)
        if parameter is None:
            found.append(Complaint(f"query.{name[:60]}", "is not a parameter of this operation"))
        elif len(raw) > 1 and not parameter.is_list:
            found.append(Complaint(f"query.{name}", "is given more than once"))
        else:
            values[name] = raw if parameter.is_list else _coerced(parameter, raw[0])
            found += complaints(parameter.validator, values[name], f"query.{name}")
    if found:
        raise ProblemError(400, "The query breaks the contract.", tuple(found))
    return values


def _headers(operation: Operation, headers: Headers) -> str | None:
    for name, parameter in operation.in_place("header").items():
        value = headers.get(name)
        if value is None and parameter.is_required:
            raise ProblemError(400, f"The header {name} is required.", (Complaint(f"header.{name}", "is missing"),))
        if value is not None:
            found = complaints(parameter.validator, value, f"header.{name}")
            if found:
                raise ProblemError(400, f"The header {name} breaks the contract.", tuple(found))
            return value
    return None


async def _body(operation: Operation, request: Request) -> dict[str, Any]:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in operation.bodies:
        raise ProblemError(415, f"The body has to be {' or '.join(operation.bodies)}.")
    raw = await _bytes(request)
    value: object
    if media == "application/json":
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProblemError(400, "The body is not JSON.") from error
    else:
        value = await _form(raw)
    found = complaints(operation.bodies[media], value, "body")
    if found or not isinstance(value, dict):
        raise ProblemError(422, "The body breaks its schema.", tuple(found))
    return value


async def _bytes(request: Request) -> bytes:
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > BODY_LIMIT:
            raise ProblemError(413, f"The body is larger than {BODY_LIMIT} bytes.")
    return bytes(chunks)


async def _form(raw: bytes) -> dict[str, str]:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": raw, "more_body": False}

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    form = await Request({"type": "http", "method": "POST", "headers": headers}, receive).form()
    return {name: str(value) for name, value in form.items()}


def _coerced(parameter: Parameter, text: str) -> str | int | float:
    if not parameter.is_integer:
        return text
    is_plain = text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19  # noqa: PLR2004 - fits 64 bits
    return int(text) if is_plain else (text or math.nan)
