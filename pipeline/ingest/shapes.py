"""Shapes: which fields the records of a pull have, and what kinds of values stand in them.

Belongs here: looking at records as they come, cheaply. Does not belong here: what a change of shape means
(``sql/ops/drift.sql``), values (``sql/ops/strange_values.sql``).

Of a page's records a few are looked at, evenly spread; a name that the hasher sees for the first time is looked for in
all of them. So a new field is not missed, while a kind or a gap that only one record of many has may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pipeline.ingest.pages import Item

SAMPLED: Final = 8
MOST_FIELDS: Final = 256
DEEPEST: Final = 3
ABSENT: Final = "absent"
OBJECT: Final = "object"
_LONGEST_NAME: Final = 200
_FOUND_OF_A_NAME: Final = 4
_KINDS: Final = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: OBJECT,
}


class Shapes:
    """The shape of one pull's records so far."""

    def __init__(self) -> None:
        """Know no record yet."""
        self._kinds: dict[str, set[str]] = {}
        self._signatures: set[tuple[tuple[str, str], ...]] = set()
        self._names: frozenset[str] = frozenset()

    @property
    def kinds(self) -> Mapping[str, Sequence[str]]:
        """Every field with the kinds of values seen in it; ``absent`` = a record was seen without it."""
        return {field: sorted(kinds) for field, kinds in sorted(self._kinds.items())}

    def passed_over(self, names: frozenset[str]) -> list[tuple[str, str]]:
        """Take note that these names were seen in records that are not the stream's own; nothing is said of these."""
        self._names = names
        return []

    def news(self, items: Sequence[Item], names: frozenset[str]) -> list[tuple[str, str]]:
        """Look at a page and return each field and kind that no page of this pull had before.

        ``names`` are all top-level names that were seen so far, where they are known.
        """
        found: set[tuple[str, str]] = set()
        for item in _sample(items, names - self._names if names is not self._names else frozenset()):
            try:
                record = msgspec.json.decode(item)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                continue
            if isinstance(record, dict):
                found |= self._of_record(record)
        self._names = names
        return sorted(found)

    def _of_record(self, record: dict[str, Any]) -> set[tuple[str, str]]:
        signature = tuple(_fields(record, "", 1))
        if signature in self._signatures:
            return set()
        is_first = not self._signatures
        if len(self._signatures) < MOST_FIELDS:
            self._signatures.add(signature)
        fields = {field for field, _ in signature}
        said = {*signature, *((field, ABSENT) for field in self._kinds if field not in fields)}
        if not is_first:
            said |= {(field, ABSENT) for field in fields if field not in self._kinds}
        news = set()
        for field, kind in said:
            kinds = self._kinds.get(field)
            if kinds is None and len(self._kinds) < MOST_FIELDS:
                kinds = self._kinds[field] = set()
            if kinds is not None and kind not in kinds:
                kinds.add(kind)
                news.add((field, kind))
        return news


def _sample(items: Sequence[Item], new_names: frozenset[str]) -> Iterator[bytes]:
    step = max(1, -(-len(items) // SAMPLED))
    sample = [*items[::step], *items[-1:]] if step > 1 else items
    yield from (item for item in sample if isinstance(item, bytes))
    for name in new_names:
        spelled = msgspec.json.encode(name)
        having = (item for item in items if isinstance(item, bytes) and spelled in item)
        yield from (item for item, _ in zip(having, range(_FOUND_OF_A_NAME), strict=False))


def _fields(record: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        field = prefix + name[:_LONGEST_NAME]
        kind = _KINDS[type(value)]
        yield field, kind
        if kind is OBJECT and depth < DEEPEST:
            yield from _fields(value, f"{field}.", depth + 1)
