"""A connection's profile: how one tenant's HTTP API maps onto the canonical records.

Belongs here: the whole of the YAML file, and the sentence that says what is wrong with it. Does not belong
here: its parts (``pipeline.ingest.profile_*``), secrets and addresses (``vipgrid.yaml``), HTTP (``resources.rest``).
docs/profiles_reference.md has every word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.ingest.profile_auth import Auth, NoAuth
from pipeline.ingest.profile_limits import Limits
from pipeline.ingest.profile_mapping import FlaggedDeletions
from pipeline.ingest.profile_mistakes import meant, reason
from pipeline.ingest.profile_stream import END_FIELDS, DeletionFeed, StreamProfile
from pipeline.ingest.profile_words import Strict
from pipeline.ingest.profile_writes import OPERATIONS, Operation
from pipeline.streams import STREAMS, Stream

_MOST_TOLD: Final = 10
_BY_FIELD: Final = ("fields", "instants", "values")


class Profile(Strict):
    """A whole profile; ``streams`` says where a stream differs from ``defaults``."""

    auth: Auth = NoAuth()
    "Who we are to the source."
    limits: Limits = Limits()
    "How fast and how long we ask."
    defaults: StreamProfile = StreamProfile()
    "How every stream is read that says nothing else."
    streams: Mapping[str, StreamProfile] = Field(default_factory=dict)
    "Stream: where it differs from `defaults`; a word that it has replaces that of `defaults` whole."
    writes: Mapping[str, Operation] = Field(default_factory=dict)
    "Operation: how it is written."

    def of_stream(self, stream: str) -> StreamProfile:
        """Return how a stream is read."""
        return self.streams.get(stream, self.defaults)


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ConfigurationError: no file, not YAML, an unknown or wrong field; the sentence names file, line and field.

    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        message = f"Cannot read the profile {path}: {error.strerror}; correct 'profile' of its connection."
        raise ConfigurationError(message) from error
    except (yaml.YAMLError, UnicodeError) as error:
        message = f"The profile {path} is not YAML: {' '.join(str(error).split())}"
        raise ConfigurationError(message) from error
    if not isinstance(raw, dict):
        message = f"The profile {path} is empty: it needs at least 'streams' or 'defaults'."
        raise ConfigurationError(message)
    try:
        profile = Profile.model_validate(_with_defaults(raw))
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        words = _words()
        told = [(problem["loc"], reason(problem, words)) for problem in problems]
        raise _wrong(path, tree, told) from error
    contradictions = list(_contradictions(profile))
    if contradictions:
        raise _wrong(path, tree, contradictions)
    return profile


def _contradictions(profile: Profile) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what no single field of a profile can say of itself: its place, and the reason."""
    for stream, own in profile.streams.items():
        if stream not in STREAMS:
            yield ("streams", stream), f"no such stream: {stream}{meant(stream, STREAMS)}"
        else:
            yield from ((("streams", stream, *where), reason) for where, reason in _of_stream(STREAMS[stream], own))
    for name, operation in profile.writes.items():
        if name not in OPERATIONS:
            yield ("writes", name), f"no such operation: {name}{meant(name, OPERATIONS)}"
        else:
            yield from ((("writes", name, *where), reason) for where, reason in _of_write(name, operation))


def _of_stream(stream: Stream, own: StreamProfile) -> Iterator[tuple[tuple[str, ...], str]]:
    names = stream.field_names
    for name in own.mapping:
        if name not in names:
            yield ("mapping", name), f"stream {stream.name} has no field {name} to map{meant(name, names)}"
    end = next((name for name in END_FIELDS if name in names), None)
    deletions = own.deletions
    if deletions is not None and end is None:
        yield ("deletions",), f"a record of {stream.name} has no field that says when it ended"
    if isinstance(deletions, FlaggedDeletions) and end in own.mapping:
        yield ("deletions",), f"{end} is both mapped and marked by 'deletions'"
    if isinstance(deletions, FlaggedDeletions) and deletions.at is None and "updated_at" not in names:
        yield ("deletions",), "records have no updated_at here: say 'at'"
    if isinstance(deletions, DeletionFeed):
        needed = {field.name for field in stream.fields if field.is_required} | {str(end)}
        if missing := sorted(needed - set(deletions.mapping)):
            yield ("deletions", "mapping"), f"it does not say where {', '.join(missing)} comes from"


def _of_write(name: str, operation: Operation) -> Iterator[tuple[tuple[str, ...], str]]:
    known = OPERATIONS[name]
    for word, fields in operation.named_fields.items():
        for field in fields:
            if field not in known:
                where = (word, field) if word in _BY_FIELD else (word,)
                yield where, f"the payload of {name} has no {field}{meant(field, known)}"


def _wrong(
    path: Path, tree: yaml.Node | None, problems: Sequence[tuple[Sequence[int | str], str]]
) -> ConfigurationError:
    """Return the error that says where a profile is wrong; what comes of `defaults` in every stream is said once."""
    places = [(_place_of(tree, where), reason) for where, reason in problems]
    said = dict.fromkeys(f"{'.'.join(known) or 'the file'} (line {line}): {reason}" for (line, known), reason in places)
    first, *others = said
    also = "".join(f" Also at {other}." for other in others[: _MOST_TOLD - 1])
    more = f" And {len(said) - _MOST_TOLD} more." if len(said) > _MOST_TOLD else ""
    return ConfigurationError(f"The profile {path} is wrong at {first}.{also}{more}")


def _words() -> list[str]:
    """Return every word of a profile."""
    parts = Profile.model_json_schema()["$defs"].values()
    return sorted({word for part in parts for word in part.get("properties", ())})


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """Spread ``defaults`` into each stream; what a stream names itself replaces the default whole."""
    defaults, streams = raw.get("defaults"), raw.get("streams")
    if not isinstance(defaults, dict) or not isinstance(streams, dict):
        return raw
    spread = {
        name: {**defaults, **(stream or {})} if isinstance(stream, dict | None) else stream
        for name, stream in streams.items()
    }
    return {**raw, "streams": spread}


def _place_of(tree: yaml.Node | None, where: Sequence[int | str]) -> tuple[int, list[str]]:
    """Return the line, from 1, of the deepest node of the file on the way to a field, and the way as the file has it.

    What stands in the way but not in the file (the name of a kind) is left out, but for a last, missing field; what a
    stream took from ``defaults`` is looked for there.
    """
    node, line = tree, 1
    known: list[str] = []
    for position, step in enumerate(where):
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
            known.append(str(step))
            continue
        found = (
            [pair for pair in node.value if pair[0].value == str(step)] if isinstance(node, yaml.MappingNode) else []
        )
        if found:
            line, node = found[0][0].start_mark.line + 1, found[0][1]
            known.append(str(step))
        elif position == 2 and where[0] == "streams" and _has_default(tree, str(step)):  # noqa: PLR2004 - below a stream
            return _place_of(tree, ("defaults", *where[2:]))
        elif position == len(where) - 1:
            known.append(str(step))
    return line, known


def _has_default(tree: yaml.Node | None, name: str) -> bool:
    pairs = tree.value if isinstance(tree, yaml.MappingNode) else []
    defaults = next((value for key, value in pairs if key.value == "defaults"), None)
    return isinstance(defaults, yaml.MappingNode) and any(key.value == name for key, _ in defaults.value)
