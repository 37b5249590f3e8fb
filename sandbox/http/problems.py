"""Refusals, as RFC 9457 problem documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong: where (`body.partner_id`), and what."""

    where: str
    message: str


@dataclass
class ProblemError(Exception):
    """A request that is refused."""

    status: int
    detail: str
    complaints: tuple[Complaint, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.status}: {self.detail}"


def problem_body(problem: ProblemError) -> bytes:
    """Write the document."""
    status = HTTPStatus(problem.status)
    document: dict[str, object] = {
        "type": f"urn:problem:{status.phrase.lower().replace(' ', '-')}",
        "title": status.phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.complaints:
        document["errors"] = list(problem.complaints)
    return msgspec.json.encode(document)


def problem_response(problem: ProblemError) -> Response:
    """Answer with the document."""
    return Response(problem_body(problem), problem.status, dict(problem.headers), media_type="application/problem+json")
