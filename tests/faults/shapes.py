"""Shapes: the same records through every kind of paging that a profile knows.

Belongs here: a profile and the answers that fit it. Does not belong here: faults.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.server import Answer, Asked

PER_PAGE = 4
START = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)


@dataclass
class Truth:
    """What the source has: each record's bytes as it sends them, in the order of ``n``."""

    records: list[bytes] = field(default_factory=list)
    scrolled: int = 0


Record = dict[str, Any]
Answering = Callable[[Truth, Asked], Answer]


def stamp(number: int) -> str:
    return (START + STEP * number).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(number: int, **more: Any) -> Record:
    return {
        "asset_id": f"A-{number:04d}",
        "title": f"Poster {number}",
        "n": number,
        "updated_at": stamp(number),
        **more,
    }


def raw(number: int, **more: Any) -> bytes:
    return json.dumps(record(number, **more), separators=(",", ":")).encode()


def listed(records: Sequence[bytes], headers: dict[str, str] | None = None, **envelope: Any) -> Answer:
    """Return a page of records that may be no JSON themselves."""
    text = json.dumps({"before": "]", **envelope})[:-1].encode()
    return Answer(text + b',"items":[' + b",".join(records) + b"]}", headers=headers or {})


@dataclass(frozen=True)
class Shape:
    """One way of paging: what a profile says of it, and how a source answers."""

    name: str
    stream: dict[str, Any]
    answering: Answering
    is_repeatable: bool = True


def _slice(truth: Truth, start: int) -> tuple[list[bytes], int | None]:
    end = start + PER_PAGE
    return truth.records[start:end], end if end < len(truth.records) else None


def _by_cursor(truth: Truth, asked: Asked) -> Answer:
    records, following = _slice(truth, int(asked.query.get("cursor", "0")))
    return listed(records, next_cursor=None if following is None else str(following), has_more=following is not None)


def _by_header(truth: Truth, asked: Asked) -> Answer:
    records, following = _slice(truth, int(asked.query.get("cursor", "0")))
    return listed(records, {} if following is None else {"Next-Cursor": str(following)})


def _by_number(truth: Truth, asked: Asked) -> Answer:
    records, _ = _slice(truth, PER_PAGE * (int(asked.query["page"]) - 1))
    return listed(records, total=len(truth.records))


def _by_known_number(truth: Truth, asked: Asked) -> Answer:
    records, _ = _slice(truth, PER_PAGE * int(asked.query["page"]))
    return listed(records, pages=-(-len(truth.records) // PER_PAGE))


def _by_offset(truth: Truth, asked: Asked) -> Answer:
    records, _ = _slice(truth, int(asked.query["offset"]))
    return listed(records, total=len(truth.records))


def _by_link(truth: Truth, asked: Asked) -> Answer:
    records, following = _slice(truth, int(asked.query.get("from", "0")))
    link = {} if following is None else {"Link": f'</v1/assets?from={following}>; rel="next"'}
    return listed(records, link)


def _by_json_link(truth: Truth, asked: Asked) -> Answer:
    records, following = _slice(truth, int(asked.query.get("from", "0")))
    return listed(records, next=None if following is None else f"/v1/assets?from={following}", total=len(truth.records))


def _behind_key(truth: Truth, asked: Asked) -> Answer:
    records, _ = _slice(truth, int(asked.query.get("after", "-1")) + 1)
    return listed(records)


def _from_key(truth: Truth, asked: Asked) -> Answer:
    records, _ = _slice(truth, int(asked.query.get("from", "0")))
    return listed(records)


def _by_window(truth: Truth, asked: Asked) -> Answer:
    since, until = (datetime.fromisoformat(asked.query[name]) for name in ("from", "to"))
    found = [own for n, own in enumerate(truth.records) if since <= START + STEP * n < until]
    return listed(found[:PER_PAGE], total=len(found))


def _by_scroll(truth: Truth, asked: Asked) -> Answer:
    if "scroll" not in asked.query:
        truth.scrolled = 0
    start, truth.scrolled = truth.scrolled, truth.scrolled + PER_PAGE
    return listed(truth.records[start : start + PER_PAGE], scrollid="S", total=len(truth.records))


def _by_variables(truth: Truth, asked: Asked) -> Answer:
    variables = json.loads(asked.body)["variables"]
    records, following = _slice(truth, int(variables.get("after") or "0"))
    return listed(records, info={"end": str(following), "more": following is not None})


def _all_at_once(truth: Truth, _asked: Asked) -> Answer:
    return listed(truth.records)


WINDOWS = {
    "paging": {"kind": "time_window", "step": "6h", "most": PER_PAGE + 1, "total": "total", "smallest": "1m"},
    "incremental": {"param": "from", "end_param": "to", "start": "2026-03-01T00:00:00Z", "full_every": "1m"},
}
GRAPHQL = {
    "path": "/graphql",
    "graphql": {"query": "query($after: String) { assets(after: $after) { id } }"},
    "paging": {"kind": "cursor", "param": "after", "cursor": "info.end", "has_more": "info.more"},
}
SHAPES = (
    Shape("cursor", {"paging": {"kind": "cursor", "has_more": "has_more"}}, _by_cursor),
    Shape("cursor in a header", {"paging": {"kind": "cursor", "header": "Next-Cursor"}}, _by_header),
    Shape("page number", {"paging": {"kind": "page_number", "total": "total"}}, _by_number),
    Shape("number of pages", {"paging": {"kind": "page_number", "first": 0, "pages": "pages"}}, _by_known_number),
    Shape("offset", {"paging": {"kind": "offset", "total": "total"}}, _by_offset),
    Shape("header link", {"paging": {"kind": "header_link"}}, _by_link),
    Shape("link in the page", {"paging": {"kind": "json_link", "total": "total"}}, _by_json_link),
    Shape("keyset", {"paging": {"kind": "keyset", "param": "after", "key": "n"}}, _behind_key),
    Shape(
        "inclusive keyset",
        {"paging": {"kind": "keyset", "param": "from", "key": "n", "inclusive": True, "size": PER_PAGE}},
        _from_key,
    ),
    Shape("time window", WINDOWS, _by_window),
    Shape(
        "stateful scroll",
        {"paging": {"kind": "stateful_scroll", "param": "scroll", "total": "total"}},
        _by_scroll,
        is_repeatable=False,
    ),
    Shape("graphql", GRAPHQL, _by_variables),
    Shape("single page", {"paging": {"kind": "single_page"}}, _all_at_once),
)
SHAPE_OF = {shape.name: shape for shape in SHAPES}
