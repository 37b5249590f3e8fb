"""What a tenant's records hold, and which canonical field each of it may be.

Belongs here: the paths of sampled records, the look of their values, what seems personal, proposals for a mapping.
Does not belong here: asking for samples (``resources.connecting``), deciding: a person does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from pipeline.ingest.paths import EACH, JsonPath, spelled
from pipeline.ingest.personal import PSEUDONYM
from pipeline.streams import Field, FieldType, Stream

LEAST_SCORE: Final = 0.5
_EPOCH_SECONDS: Final = range(631_152_000, 4_102_444_800)
_EPOCHS: Final = {"epoch_seconds": 1, "epoch_milliseconds": 1_000, "epoch_microseconds": 1_000_000}
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HOST: Final = re.compile(r"(\d{1,3}\.){3}\d{1,3}|([0-9a-fA-F]{0,4}:){3,}[0-9a-fA-F:.]*")
_PHONE: Final = re.compile(r"\+?[\d ()/.-]{9,}")
_PERSONAL_WORDS: Final = frozenset(
    {
        "birthdate", "birthday", "displayname", "email", "fax", "firstname", "fullname", "ip", "lastname", "login",
        "mail", "mobile", "phone", "surname", "useragent", "username",
    }
)  # fmt: skip
_SAME: Final = {
    "at": "time", "date": "time", "datetime": "time", "timestamp": "time", "on": "time", "when": "time",
    "modified": "updated", "changed": "updated", "lastmodified": "updated", "inserted": "created", "added": "created",
    "name": "title", "identifier": "id", "uuid": "id", "key": "id", "number": "no", "num": "no", "nr": "no",
    "company": "partner", "customer": "partner", "organisation": "partner", "organization": "partner",
    "supplier": "partner", "account": "partner", "media": "asset", "item": "asset", "document": "asset",
    "file": "asset",
    "type": "kind", "state": "status", "person": "user", "member": "user", "size": "bytes", "revision": "version",
    "sha256": "checksum", "hash": "checksum", "digest": "checksum", "happened": "occurred", "received": "recorded",
    "ack": "acknowledgment", "receipt": "acknowledgment", "shipment": "delivery", "transaction": "delivery",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One path of the sampled records, with the values that stand there."""

    path: JsonPath
    values: tuple[Any, ...]

    @property
    def spelled(self) -> str:
        """The path as a profile has it."""
        return spelled(self.path)

    @property
    def looks(self) -> frozenset[str]:
        """What all its values look like: ``text``, ``digits``, ``integer``, ``boolean``, ``instant``, ``list`` ..."""
        each = [_looks(value) for value in self.values if value is not None]
        return frozenset.intersection(*each) if each else frozenset()

    @property
    def is_personal(self) -> bool:
        """Whether it seems to name a person: by its name, or because half of its values do."""
        words = _words(self.path)
        if words & _PERSONAL_WORDS or "".join(_parts(self.path[-1])) in _PERSONAL_WORDS:
            return not all(isinstance(value, bool | None) for value in self.values)
        texts = [value for value in self.values if isinstance(value, str)]
        named = [text for text in texts if _names_a_person(text)]
        return bool(texts) and 2 * len(named) >= len(texts)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A canonical field and what it may be made of; ``rule`` is YAML's value."""

    field: Field
    leaf: Leaf
    score: float

    @property
    def rule(self) -> Any:
        """The rule to write into the mapping."""
        looks = self.leaf.looks
        path = self.leaf.spelled
        if self.field.type is FieldType.INSTANT:
            for cast in _EPOCHS:
                if cast in looks:
                    return {"path": path, "cast": cast}
        if self.field.type is FieldType.INTEGER and "integer" not in looks and "digits" in looks:
            return {"path": path, "cast": "integer"}
        if self.field.type is FieldType.TEXTS and "list" not in looks:
            return {"path": path, "cast": "texts"}
        return path


def leaves(records: Sequence[bytes]) -> list[Leaf]:
    """Return every path of some records, in the order in which they occur."""
    found: dict[JsonPath, list[Any]] = {}
    for raw in records:
        try:
            record = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        for path, value in _walk(record, ()):
            found.setdefault(path, []).append(value)
    return [Leaf(path, tuple(values)) for path, values in found.items()]


def proposals(stream: Stream, missing: Sequence[str], unused: Sequence[Leaf]) -> list[Proposal]:
    """Return for each canonical field that has nothing yet the best of the paths that nobody uses, each once."""
    fields = [field for field in stream.fields if field.name in missing]
    scored = [
        Proposal(field, leaf, score)
        for field in fields
        for leaf in unused
        if (score := _score(stream, field, leaf)) >= LEAST_SCORE
    ]
    scored.sort(key=lambda proposal: (-proposal.score, stream.field_names.index(proposal.field.name)))
    taken: dict[str, Proposal] = {}
    used: set[JsonPath] = set()
    for proposal in scored:
        if proposal.field.name not in taken and proposal.leaf.path not in used:
            taken[proposal.field.name] = proposal
            used.add(proposal.leaf.path)
    return [taken[name] for name in stream.field_names if name in taken]


def _walk(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _walk(part, (*path, name))
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        for part in value:
            yield from _walk(part, (*path, EACH))
    elif path:
        yield path, value


def _parts(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _words(path: Sequence[str]) -> frozenset[str]:
    return frozenset(word for step in path if step != EACH for word in _parts(step))


def _meanings(words: Sequence[str]) -> set[str]:
    return {_SAME.get(word, word) for word in words}


def _looks(value: Any) -> frozenset[str]:
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int):
        names = {"integer", "number"}
        return frozenset(names | {name for name, per in _EPOCHS.items() if value // per in _EPOCH_SECONDS})
    if isinstance(value, list):
        return frozenset({"list"})
    if not isinstance(value, str):
        return frozenset({"number"} if isinstance(value, float) else set())
    names = {"text"} | ({"digits"} if value.strip().lstrip("+-").isdecimal() else set())
    if value.lower() in {"true", "false", "yes", "no", "y", "n"}:
        names.add("boolean")
    return frozenset(names | ({"instant"} if _INSTANT.fullmatch(value) else set()))


def _fits(field: Field, leaf: Leaf) -> bool:
    wanted: Mapping[FieldType, set[str]] = {
        FieldType.INSTANT: {"instant", *_EPOCHS},
        FieldType.LOCAL: {"instant"},
        FieldType.INTEGER: {"integer", "digits"},
        FieldType.BOOLEAN: {"boolean"},
        FieldType.TEXTS: {"list", "text"},
        FieldType.TEXT: {"text", "integer"},
    }
    looks = leaf.looks
    if field.type is FieldType.TEXT and "instant" in looks:
        return False
    return bool(looks & wanted[field.type])


def _score(stream: Stream, field: Field, leaf: Leaf) -> float:
    """Return how near a path is to a field, from 0 to 1: by the words of the name, and by how they are spelled."""
    if not _fits(field, leaf):
        return 0.0
    own = _parts(field.name)
    last = [step for step in leaf.path if step != EACH][-2:]
    best = 0.0
    for steps in (last[-1:], last):
        words = [word for step in steps for word in _parts(step)]
        if words == ["id"] and field.name == stream.key[-1]:
            return 0.95
        meant, theirs = _meanings(own), _meanings(words)
        shared = len(meant & theirs) / len(meant | theirs)
        like = difflib.SequenceMatcher(None, "".join(own), "".join(words)).ratio()
        best = max(best, 0.7 * shared + 0.3 * like)
    return round(best, 3)


def _names_a_person(text: str) -> bool:
    if text.startswith(PSEUDONYM):
        return False
    if _ADDRESS.fullmatch(text) or _HOST.fullmatch(text):
        return True
    return bool(_PHONE.fullmatch(text)) and not _INSTANT.fullmatch(text) and not text.isdecimal()
