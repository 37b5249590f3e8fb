"""Records that are not simply the elements of a page's list: members of an object, lists in lists, with what surrounds.

Belongs here: what may stand where a list is looked for, the record that is made of an element and of what it inherits.
Does not belong here: a page with a plain list (``pipeline.ingest.pages``), the words
(``pipeline.ingest.profile_records``).

A made record is the element's bytes as they came, with what it inherits put before its own members: the same element in
the same surroundings gives the same bytes. An element outside whose list cannot be had is one record that nobody can
read, so that it is counted and kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import msgspec

from pipeline.ingest.pages import NO_ERRORS, CutPage, Item, PageError, Unreadable, cut_page, page_rest, span_at
from pipeline.ingest.paths import found_at, parse_path, spelled, text_of
from pipeline.ingest.profile_records import Attach, Level, Nested, Records
from pipeline.json_structure import Parts, value_of

_members: Final[Any] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_HERE: Final = "element"
_KINDS: Final = {b"{": "an object", b'"': "a text", b"t": "true", b"f": "false", b"n": "null"}


class _CutOffError(PageError):
    """A list inside an element is not whole."""


@dataclass(frozen=True, slots=True)
class _Outside:
    """What records inherit, as JSON: ``members`` are texts like ``"name":value``, ``names`` with their spelling."""

    members: tuple[bytes, ...] = ()
    names: tuple[tuple[str, bytes], ...] = ()

    def with_values(self, values: Iterable[tuple[str, Any]]) -> _Outside:
        """Return the same with more; a value that is null is nothing."""
        texts = [(name, _json(name), _json(value)) for name, value in values if value is not None]
        return _Outside(
            (*self.members, *(b"%b:%b" % (name, value) for _, name, value in texts)),
            (*self.names, *((name, text) for name, text, _ in texts)),
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """What was cut out of a text: its elements as a page has them, and the key of each where they had keys."""

    page: CutPage
    keys: Sequence[str] | None = None

    def records(self, source: Records, given: Mapping[str, Any] = _NOTHING) -> Sequence[Item]:
        """Return the records that a page's elements are, or hold; ``given`` is what all of them inherit."""
        if source.is_as_listed:
            return self.page.items
        outside = _Outside().with_values((*given.items(), *_inherited(source, self.page.values)))
        records = list(_unfolded(self, outside, source, source.nested))
        for attach in source.attach:
            records = _attached(records, attach, self.page.values)
        return records


def cut_records(body: bytes, source: Records, parts: Parts | None = None) -> Cut:
    """Cut a page's elements out of it; ``parts`` are those of the body, where they are known already.

    Raises:
        PageError: what the profile says of the page is not there.

    """
    if source.one_record:
        return Cut(_whole(body, source.records))
    try:
        return _cut(body, source, parts)
    except PageError as error:
        if error.lists_errors:
            raise
        hint = f"{error}, and it lists errors" if _lists_errors(body) else _hint(body, source)
        if hint is None:
            raise
        told = PageError(hint)
        told.answered = error.answered or body
        raise told from error


def _whole(body: bytes, path: Sequence[str]) -> CutPage:
    """Return a page that is one record, or has it at a path; none where nothing is there."""
    (item,) = cut_page(b"[%b]" % body, ()).items
    if path:
        record = found_at(value_of(item), path)
        item = msgspec.json.encode(record)
    return CutPage([] if item == b"null" else [item], b"null", {})


def _cut(text: bytes, level: Level, parts: Parts | None = None) -> Cut:
    path = level.records
    if level.key_as is None and not level.may_be:
        return Cut(cut_page(text, path, parts))
    try:
        found = _raw_at(text, path)
    except PageError:
        # One record that is no JSON spoils itself only, in a list.
        return Cut(cut_page(text, path))
    if _is_nothing(found) and "absent" in level.may_be:
        envelope, values = page_rest(text)
        return Cut(CutPage([], envelope, values))
    if found is None or found[:1] != b"{" or not (level.key_as or "single" in level.may_be):
        return Cut(cut_page(text, path))
    envelope, values = page_rest(_emptied(text, path))
    if level.key_as is None:
        return Cut(CutPage([found], envelope, values))
    members = _members_of(found)
    return Cut(CutPage([bytes(raw) for raw in members.values()], envelope, values), list(members))


def _unfolded(cut: Cut, outside: _Outside, level: Level, inner: Sequence[Nested]) -> Iterator[Item]:
    """Yield the records of some elements that were cut by a level; ``inner`` are the levels inside it."""
    for place, item in enumerate(cut.page.items):
        own = outside.with_values([(level.key_as, cut.keys[place])]) if cut.keys and level.key_as else outside
        if not inner:
            yield _made(item, own, level.value_as)
            continue
        try:
            within = _cut_within(item, inner[0])
        except _CutOffError:
            raise
        except PageError as error:
            yield Unreadable(item, f"it should hold records: {error}")
            continue
        within_it = own.with_values(_inherited(inner[0], within.page.values))
        yield from _unfolded(within, within_it, inner[0], inner[1:])


def _cut_within(item: bytes, level: Nested) -> Cut:
    """Cut the elements out of one of the list outside, whose fields may have any name, ``errors`` too."""
    hint = _hint(item, level)
    if hint is not None:
        raise PageError(hint)
    whole = level.model_copy(update={"records": (_HERE, *level.records)})
    cut = _cut(b'{"%b":%b}' % (_HERE.encode(), item), whole)
    rest = cut.page.values[_HERE]
    if level.has_more is not None and found_at(rest, level.has_more) is True:
        message = (
            f"a list at {spelled(level.records)} inside it is cut off, as {spelled(level.has_more)} says: ask for more"
            " of them at once"
        )
        raise _CutOffError(message)
    return replace(cut, page=replace(cut.page, values=rest if isinstance(rest, dict) else {}))


def _attached(records: Sequence[Item], attach: Attach, values: Mapping[str, Any]) -> list[Item]:
    """Return records with what they inherit from elements of another list that they name."""
    listed = found_at(values, attach.source)
    if listed is not None and not isinstance(listed, list):
        message = f"it has no list at {spelled(attach.source)} to attach from"
        raise PageError(message)
    paths = [parse_path(path) for path in attach.where]
    elements: dict[tuple[str | None, ...], Any] = {}
    for element in listed or ():
        elements.setdefault(tuple(text_of(found_at(element, path)) for path in paths), element)
    return [item if isinstance(item, Unreadable) else _with_attached(item, attach, elements) for item in records]


def _with_attached(item: bytes, attach: Attach, elements: Mapping[tuple[str | None, ...], Any]) -> Item:
    record = value_of(item)
    named = tuple(text_of(found_at(record, path)) for path in attach.where.values())
    element = None if None in named else elements.get(named)
    if element is None:
        return item
    inherited = ((name, found_at(element, path)) for name, path in attach.inherit.items())
    return _made(item, _Outside().with_values(inherited), None)


def _inherited(level: Level, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, found_at(values, path)) for name, path in level.inherit.items())


def _made(item: bytes, outside: _Outside, value_as: str | None) -> Item:
    """Return the record that an element is with what it inherits."""
    own = item.strip()
    if not own.startswith(b"{"):
        if value_as is None:
            return item
        own = b"{%b:%b}" % (_json(value_as), own)
    for name, spelling in outside.names:
        if spelling in own and name in _names_of(own):
            return Unreadable(item, f"it has a {name} of its own: inherit that of the outside under another name")
    if not outside.members:
        return own
    rest = own[1:].lstrip()
    return b"{%b%b%b" % (b",".join(outside.members), b"" if rest == b"}" else b",", rest)


def _hint(text: bytes, level: Level) -> str | None:
    """Say what stands in the place of a list, and the word that may help; None where one stands there, or who knows."""
    try:
        found = _raw_at(text, level.records)
    except PageError:
        return None
    here = spelled(level.records) or "the top"
    if _is_nothing(found):
        if "absent" in level.may_be:
            return None
        what = f"it has no {here}" if found is None else f"{found.decode()} stands at {here}"
        return f"{what}, where a list should be ('may_be: [absent]' takes that for an empty one)"
    kind = bytes(found or b"")[:1]
    if kind == b"[" or (kind == b"{" and (level.key_as or "single" in level.may_be)):
        return None
    help_ = " ('key_as' takes its members for the records, 'may_be: [single]' itself for one)" if kind == b"{" else ""
    return f"{_KINDS.get(kind, 'a number')} stands at {here}, where a list should be{help_}"


def _lists_errors(body: bytes) -> bool:
    try:
        return _raw_at(body, ("errors",)) not in (None, *NO_ERRORS)
    except PageError:
        return False


def _raw_at(text: bytes, path: Sequence[str]) -> bytes | None:
    """Return the text that stands at a path of names, None where nothing does.

    Raises:
        PageError: it is no JSON, or no object holds the next name.

    """
    current: bytes | msgspec.Raw = text
    for name in path:
        if _is_nothing(bytes(current).strip()):
            return None
        try:
            members = _members.decode(current)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            message = f"it is not JSON with something at {spelled(path)} ({error})"
            raise PageError(message) from error
        if name not in members:
            return None
        current = members[name]
    return bytes(current).strip()


def _is_nothing(found: bytes | None) -> bool:
    return found in (None, b"null", b'""')


def _emptied(text: bytes, path: Sequence[str]) -> bytes:
    """Return a text with an empty list in the place of what stands at a path."""
    start, end = span_at(text, path)
    return text[:start] + b"[]" + text[end:]


def _members_of(found: bytes) -> dict[str, msgspec.Raw]:
    try:
        members: dict[str, msgspec.Raw] = _members.decode(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"its object of records is not JSON ({error})"
        raise PageError(message) from error
    # A key that is there twice would lose a record, and what was read would be shorter than what came.
    if len(msgspec.json.encode(members)) != len(found) and len(_pairs(found)) != len(members):
        message = "a key occurs twice in its object of records"
        raise PageError(message)
    return members


def _names_of(item: bytes) -> frozenset[str]:
    try:
        return frozenset(_members.decode(item))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return frozenset()


def _pairs(text: bytes) -> list[tuple[str, Any]]:
    last: list[tuple[str, Any]] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        last[:] = pairs

    try:
        json.loads(text, object_pairs_hook=note)
    except (ValueError, RecursionError) as error:
        message = f"its object of records is not JSON ({error})"
        raise PageError(message) from error
    return last


def _json(value: Any) -> bytes:
    """Write a value that came as JSON; numbers of any size stay what they are."""
    try:
        return msgspec.json.encode(value)
    except OverflowError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
