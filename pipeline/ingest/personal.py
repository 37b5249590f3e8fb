"""Personal data: cut out of a record before anything is stored.

Belongs here: dropping what stands at a path, replacing it by a keyed pseudonym, leaving all other bytes as they came.
Does not belong here: which paths (a profile's ``personal``), where the key comes from (``resources.rest``).

The same value gives the same pseudonym everywhere under one key, so that who did what can still be joined; who it is
cannot be told without the key and a guess. The page's own hash remains as the commitment to what was received.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec

from pipeline.canonical import NotCanonicalError, canonical_record, sha256_hex
from pipeline.ingest.pages import Item, Unreadable
from pipeline.ingest.paths import EACH, JsonPath, choice_of, index_of, text_of
from pipeline.ingest.profile_stream import Personal

PSEUDONYM: Final = "pn-"
_DIGITS: Final = 32
_members: Final[Any] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements: Final[Any] = msgspec.json.Decoder(list[msgspec.Raw])

_Tree: TypeAlias = "dict[str, _Tree | Personal]"


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts one stream's records; ``key`` makes the pseudonyms."""

    paths: Mapping[JsonPath, Personal]
    key: bytes = field(repr=False)

    def cut(self, item: Item) -> Item:
        """Return a record without what is personal in it; one that nobody can read is not kept at all."""
        if isinstance(item, Unreadable):
            return unkept(item.raw, item.reason)
        try:
            canonical_record(item)
        except (NotCanonicalError, RecursionError) as error:
            return unkept(item, str(error) if isinstance(error, NotCanonicalError) else "the record is too deep")
        return bytes(self._cut(item, self._tree()))

    def cut_around(self, envelope: bytes) -> bytes:
        """Return a page's JSON text without its records, and without what is personal in it."""
        return bytes(self._cut(envelope, self._tree()))

    def pseudonym(self, value: Any) -> str:
        """Return what stands for a value."""
        text = text_of(value) or ""
        return (
            PSEUDONYM + hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_DIGITS]
        )

    def _tree(self) -> _Tree:
        tree: _Tree = {}
        for path, policy in self.paths.items():
            here = tree
            for step in path[:-1]:
                below = here.setdefault(step, {})
                if isinstance(below, str):
                    break
                here = below
            else:
                here[path[-1]] = policy
        return tree

    def _cut(self, raw: bytes | msgspec.Raw, tree: _Tree) -> bytes | msgspec.Raw:
        start = bytes(raw).lstrip()[:1]
        if start == b"{":
            return self._cut_object(raw, tree)
        return self._cut_list(raw, tree) if start == b"[" else raw

    def _cut_object(self, raw: bytes | msgspec.Raw, tree: _Tree) -> bytes | msgspec.Raw:
        members = _members.decode(raw)
        if not members.keys() & tree.keys():
            return raw
        kept = {}
        for name, value in members.items():
            replaced = value if name not in tree else self._replaced(value, tree[name])
            if replaced is not None:
                kept[name] = msgspec.Raw(bytes(replaced))
        return msgspec.json.encode(kept)

    def _cut_list(self, raw: bytes | msgspec.Raw, tree: _Tree) -> bytes | msgspec.Raw:
        elements = _elements.decode(raw)
        for step, what in tree.items():
            for place in _places(step, elements):
                replaced = self._replaced(elements[place], what)
                elements[place] = msgspec.Raw(b"null" if replaced is None else bytes(replaced))
        return msgspec.json.encode(elements)

    def _replaced(self, raw: msgspec.Raw, what: _Tree | Personal) -> bytes | msgspec.Raw | None:
        if isinstance(what, dict):
            return self._cut(raw, what)
        if what == "drop":
            return None
        return msgspec.json.encode(self._pseudonymised(msgspec.json.decode(raw)))

    def _pseudonymised(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._pseudonymised(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._pseudonymised(part) for part in value]
        return None if value is None else self.pseudonym(value)


def unkept(raw: bytes, reason: str) -> Unreadable:
    """Return the rejected record of bytes that are not kept, because nobody can tell what is personal in them."""
    said = f"{reason}; not kept, for it may hold personal data (sha256 {sha256_hex(raw)})"
    return Unreadable(b"", said)


def _places(step: str, elements: list[msgspec.Raw]) -> list[int]:
    if step == EACH:
        return list(range(len(elements)))
    if (index := index_of(step)) is not None:
        return [index] if index < len(elements) else []
    choice = choice_of(step)
    if choice is None:
        return []
    found = []
    for place, raw in enumerate(elements):
        value = msgspec.json.decode(raw)
        if isinstance(value, dict) and text_of(value.get(choice[0])) == choice[1]:
            found.append(place)
    return found
