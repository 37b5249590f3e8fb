"""The structure of a JSON text without its values: brackets, commas, strings, whatever stands between them.

Belongs here: what stands where in a text, and what can be told of one that is no JSON for a strict reader: whether it
is whole, how deep it is, where the elements of its list begin and end. Does not belong here: what a record means, or
whether it is one (``pipeline.canonical``).

So one record that nobody can read spoils itself only, and not the page that it came on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

MAX_DEPTH: Final = 100
"""Deeper values are no records: the warehouse reads 128 levels, and lines of landing add some of their own."""

# A quotation mark alone is a string that never ends.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},:]', re.DOTALL)
_PAIRS: Final = {b"]": b"[", b"}": b"{"}
_BLANK: Final = b" \t\r\n"
# What stands before a member's value, from the end of the value before it.
_BEFORE_VALUE: Final = re.compile(rb'[\s{,]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+:\s*+', re.DOTALL)
_parts: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_anything: Final = msgspec.json.Decoder(msgspec.Raw)

Parts: TypeAlias = Mapping[str, msgspec.Raw]
"""What stands at the top of a JSON object, by name, as it came."""


@dataclass(frozen=True, slots=True)
class Elements:
    """A list found in a text: where it begins and ends, and its elements' bytes."""

    start: int
    end: int
    items: list[bytes]


def parts_of(text: bytes) -> Parts | None:
    """Return what stands at the top of a JSON text that is an object, None where it is another value.

    Raises:
        msgspec.DecodeError: it is not one JSON text.

    """
    with suppress(msgspec.ValidationError):
        return _parts.decode(text)
    _anything.decode(text)
    return None


def span_of(text: bytes, parts: Parts, name: str, start: int) -> tuple[int, int] | None:
    """Return where a member of the object that begins at ``start`` has its value; ``parts`` are that object's.

    It is counted and not searched for, because another value may look the same. None where a key is there twice.
    """
    place = start
    for key, raw in parts.items():
        before = _BEFORE_VALUE.match(text, place)
        if before is None:
            return None
        place = before.end() + memoryview(raw).nbytes
        if key == name:
            return (before.end(), place) if text[before.end() : place] == bytes(raw) else None
    return None


def is_whole(text: bytes) -> bool:
    """Say whether a text is one object or list from its first bracket to the one that closes it, and nothing else."""
    opened: list[bytes] = []
    ended_at = None
    for kind, start, end in _tokens(text):
        if ended_at is not None or kind == b'"' or (not opened and kind not in {b"[", b"{"}):
            return False
        if kind in {b"[", b"{"}:
            if not opened and text[:start].strip(_BLANK):
                return False
            opened.append(kind)
        elif kind in _PAIRS:
            if opened.pop() != _PAIRS[kind]:
                return False
            ended_at = None if opened else end
    return ended_at is not None and not text[ended_at:].strip(_BLANK)


def is_deeper_than(text: bytes, depth: int) -> bool:
    """Say whether values are nested in more levels."""
    if text.count(b"[") + text.count(b"{") <= depth:
        return False
    level = 0
    for kind, _, _ in _tokens(text):
        if kind in {b"[", b"{"}:
            level += 1
            if level > depth:
                return True
        elif kind in _PAIRS:
            level -= 1
    return False


def elements_at(text: bytes, path: Sequence[str]) -> Elements | None:
    """Return the elements of the list at a path of names, None where there is none; ``text`` has to be whole."""
    level = on_path = 0
    is_next, name = True, b""
    tokens = _tokens(text)
    for kind, start, end in tokens:
        if kind == b"s":
            name = text[start:end]
        elif kind in {b"[", b"{"}:
            if is_next and level == on_path:
                if on_path == len(path):
                    return _elements(text, start, end, tokens) if kind == b"[" else None
                if kind == b"[":
                    return None
                on_path += 1
            is_next = False
            level += 1
        elif kind in _PAIRS:
            level -= 1
            if level < on_path:
                return None
        elif level == on_path:
            is_next = kind == b":" and _text_of(name) == path[on_path - 1]
    return None


def value_of(item: bytes) -> Any:
    """Return what can be understood of a record, also of one that is rejected later; None where nothing can."""
    try:
        return msgspec.json.decode(item)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return json.loads(item.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _elements(text: bytes, list_start: int, list_end: int, tokens: Iterator[tuple[bytes, int, int]]) -> Elements | None:
    items: list[bytes] = []
    level, begins_at = 0, list_end
    for kind, start, end in tokens:
        if kind in {b"[", b"{"}:
            level += 1
        elif kind in _PAIRS and level:
            level -= 1
        elif level == 0 and (kind == b"," or kind in _PAIRS):
            item = text[begins_at:start].strip(_BLANK)
            if item or items or kind == b",":
                items.append(item)
            if kind in _PAIRS:
                return Elements(list_start, end, items)
            begins_at = end
    return None


def _tokens(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind (a bracket, comma, colon, ``s`` for a string, a quotation mark for half of one) and the place."""
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        yield b"s" if end - start > 1 else text[start:end], start, end


def _text_of(name: bytes) -> str | None:
    try:
        found = json.loads(name)
    except ValueError:
        return None
    return str(found)
