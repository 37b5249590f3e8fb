"""Pages: what a source answered, cut into records without touching their bytes.

Belongs here: the page as a value, and the cutting of a JSON page into its records and the rest.
Does not belong here: asking for pages (``pipeline.ingest.feeds``), storing them
(``pipeline.ingest.landing``), what a record means (``sql/staging``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

from pipeline.json_structure import MAX_DEPTH, Parts, elements_at, is_deeper_than, span_of


class PageError(ValueError):
    """The answer is not the page that the profile describes: the message says why, without quoting it.

    ``answered`` = what of it says why, for whoever tries a profile. ``lists_errors``: it says ``errors`` itself.
    """

    answered: bytes = b""
    lists_errors: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that the source gave and nobody can read: its bytes and the reason."""

    raw: bytes
    reason: str


Item: TypeAlias = "bytes | Unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: its records as received, and the facts of how it came (no secrets).

    ``envelope`` is the page's JSON text with its list of records emptied; files have none.
    ``origin`` is a file's path below its connection, or a URL. ``is_own`` = its records look as the stream's do.
    ``listed`` is the JSON text of a list of exactly these records, where one is at hand.
    """

    items: Sequence[Item]
    body_sha256: str
    request: Mapping[str, str]
    received_at: datetime
    origin: str
    status: int | None = None
    server_date: str | None = None
    cursor_in: str | None = None
    cursor_out: str | None = None
    envelope: bytes | None = None
    is_own: bool = True
    listed: bytes | None = None


@dataclass(frozen=True, slots=True)
class CutPage:
    """A JSON page taken apart: its records' bytes, the page without them, and that page's values.

    ``listed`` is the text of the list that the records are, where it is JSON.
    """

    items: list[bytes]
    envelope: bytes
    values: dict[str, Any]
    listed: bytes | None = None


_parts: Any = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TWICE: Final = "a key occurs twice in it"
NO_ERRORS: Final = (b"null", b"[]", b"{}", b"false")
_list: Any = msgspec.json.Decoder(list[msgspec.Raw])


def cut_page(body: bytes, records_path: Sequence[str], parts: Parts | None = None) -> CutPage:
    """Cut the records found at ``records_path`` (empty = the page itself is the list) out of a JSON page.

    ``parts`` are those of the body, where they are known already.

    Raises:
        PageError: not one JSON text but for its records, a key occurs twice, no list at that path, or the page says
            ``errors`` although it came as a success.

    """
    try:
        start, end = span_at(body, records_path, parts)
        listed = body[start:end]
        items = list(map(bytes, _list.decode(listed)))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        elements = elements_at(body, records_path)
        if elements is None:
            message = f"it is not JSON with a list at {'.'.join(records_path) or 'the top'} ({error})"
            raise PageError(message) from error
        items, start, end = elements.items, elements.start, elements.end
        listed = None
    envelope, values = page_rest(body[:start] + b"[]" + body[end:])
    return CutPage(items, envelope, values, listed)


def page_rest(text: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return what a page is without its records, on one line, and its values; a page that is no object has none.

    Raises:
        PageError: not JSON, a key occurs twice, or it says ``errors``.

    """
    envelope = b" ".join(text.splitlines())
    values = _strict(envelope)
    if isinstance(values, dict) and values.get("errors"):
        refusal = PageError("it came as a success but lists errors")
        refusal.answered = json.dumps(values["errors"]).encode()
        refusal.lists_errors = True
        raise refusal
    return envelope, values if isinstance(values, dict) else {}


def span_at(body: bytes, path: Sequence[str], parts: Parts | None = None) -> tuple[int, int]:
    """Return where what stands at a path of names begins and ends; ``parts`` are those of the body, where known.

    Raises:
        msgspec.DecodeError: not JSON, or no object holds the next name.
        PageError: nothing is there, or a key occurs twice.

    """
    start, end = 0, len(body)
    for name in path:
        known = _parts.decode(body[start:end] if start else body) if parts is None else parts
        if name not in known:
            raise _pageless(body, path)
        span = span_of(body, known, name, start)
        if span is None:
            raise PageError(_TWICE)
        (start, end), parts = span, None
    return start, end


def _pageless(body: bytes, path: Sequence[str]) -> PageError:
    """Return the error that a JSON object without a list of records is."""
    errors = _parts.decode(body).get("errors")
    has_errors = errors is not None and bytes(errors) not in NO_ERRORS
    lists = " and lists errors" if has_errors else ""
    error = PageError(f"it has no {'.'.join(path)}{lists}")
    error.answered = body
    error.lists_errors = has_errors
    return error


def _strict(envelope: bytes) -> Any:
    if is_deeper_than(envelope, MAX_DEPTH):
        message = f"it is nested more than {MAX_DEPTH} levels deep around its records"
        raise PageError(message)
    try:
        values = json.loads(
            envelope.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        if b"\\u" in envelope:
            json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        if isinstance(error, PageError):
            raise
        message = "its envelope is not JSON in UTF-8"
        raise PageError(message) from error
    return values


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise PageError(_TWICE)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        _refuse_constant(text)
    return value


def _refuse_constant(name: str) -> NoReturn:
    message = f"it holds {name}, which is not JSON"
    raise PageError(message)
