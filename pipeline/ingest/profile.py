"""A connection's profile: how one tenant's HTTP API maps onto the canonical records.

Belongs here: the whole of the YAML file, its writes, and the sentence that says what is wrong with it. Does not belong
here: its parts (``pipeline.ingest.profile_*``), secrets and addresses (``vipgrid.yaml``), HTTP (``resources.rest``).
docs/profiles_reference.md has every word.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, TypeAlias

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from pipeline.errors import ConfigurationError
from pipeline.ingest.paths import parse_path
from pipeline.ingest.profile_auth import Auth, NoAuth
from pipeline.ingest.profile_limits import Limits
from pipeline.ingest.profile_mapping import FlaggedDeletions
from pipeline.ingest.profile_stream import END_FIELDS, DeletionFeed, StreamProfile
from pipeline.ingest.profile_words import NamesTo, PathTo, Strict, texts_of_yaml_keys
from pipeline.streams import STREAMS

_MOST_TOLD: Final = 10
Scalar: TypeAlias = bool | int | str


class Lookup(Strict):
    """How to ask which of our keys the remote has."""

    path: str
    "Below base_url."
    param: str = "external_key"
    "The parameter that takes a key; repeated for several."
    separator: str | None = Field(default=None, min_length=1)
    "What stands between several keys, where the parameter takes all of them at once."
    records: NamesTo = ("items",)
    "Where the answer has its list."
    key: PathTo = ("external_key",)
    "Where a record has our key."
    id: PathTo
    "Where it has the remote's id."
    batch: int = Field(default=50, ge=1)
    "How many keys are asked for at once."


class Operation(Strict):
    """One write; docs/writes.md has the operations and their fields, docs/connections.md what becomes of an answer."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    "The HTTP method."
    path: str
    "Below base_url; `{name}` is the payload's field of that name, which then leaves the body."
    fields: Mapping[str, PathTo] = Field(default_factory=dict)
    "Payload field: its path in the body, where they differ."
    integers: tuple[str, ...] = ()
    "Payload fields that are numbers in the body."
    values: Mapping[str, Annotated[Mapping[str, Scalar], BeforeValidator(texts_of_yaml_keys)]] = Field(
        default_factory=dict, json_schema_extra={"examples": [{"kind": {"publish": 1, "withdrawal": 2}}]}
    )
    "Payload field: our value to theirs; a value that it lacks is not sent, and its action waits for a person."
    constants: Mapping[str, Scalar] = Field(default_factory=dict)
    "What the body has besides: path in the body, and the value."
    id: PathTo | None = None
    "Where the answer says how the remote calls what was made."
    key_header: str | None = "Idempotency-Key"
    "The header that bears our key."
    key_field: PathTo | None = None
    "Path in the body: where it repeats our key."
    replayed_header: str = "Idempotency-Replayed"
    "The answer's header that says that it was done before."
    may_be_repeated: bool = False
    "Doing it twice is doing it once, so that an unknown outcome needs no look-up."
    lookup: Lookup | None = None
    "How to find again what was made."

    @field_validator("constants")
    @classmethod
    def _are_paths(cls, value: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
        for path in value:
            parse_path(path)
        return value

    @property
    def path_fields(self) -> frozenset[str]:
        """The payload fields that stand in the path."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.path) if name)


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
        told = [(problem["loc"], _reason(problem["msg"], problem["loc"])) for problem in problems]
        raise _wrong(path, tree, told) from error
    contradictions = list(_contradictions(profile))
    if contradictions:
        raise _wrong(path, tree, contradictions)
    return profile


def _contradictions(profile: Profile) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what no single field of a profile can say of itself: its place, and the reason."""
    for stream, own in profile.streams.items():
        here = ("streams", stream)
        if stream not in STREAMS:
            yield here, f"no such stream: {stream}{_meant(stream, STREAMS)}"
            continue
        names = STREAMS[stream].field_names
        for name in own.mapping:
            if name not in names:
                yield (*here, "mapping", name), f"stream {stream} has no field {name} to map{_meant(name, names)}"
        end = next((name for name in END_FIELDS if name in names), None)
        deletions = own.deletions
        if deletions is not None and end is None:
            yield (*here, "deletions"), f"a record of {stream} has no field that says when it ended"
        if isinstance(deletions, FlaggedDeletions) and end in own.mapping:
            yield (*here, "deletions"), f"{end} is both mapped and marked by 'deletions'"
        if isinstance(deletions, FlaggedDeletions) and deletions.at is None and "updated_at" not in names:
            yield (*here, "deletions"), "records have no updated_at here: say 'at'"
        if isinstance(deletions, DeletionFeed):
            needed = {field.name for field in STREAMS[stream].fields if field.is_required} | {str(end)}
            if missing := sorted(needed - set(deletions.mapping)):
                yield (*here, "deletions", "mapping"), f"it does not say where {', '.join(missing)} comes from"


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


def _reason(message: str, where: Sequence[int | str]) -> str:
    text = message.removeprefix("Value error, ")
    if text.startswith("Extra inputs"):
        word = str(where[-1])
        return f"there is no field {word!r} here{_meant(word, _words())}; docs/profiles_reference.md lists every word"
    return "it is missing" if text == "Field required" else text


def _words() -> list[str]:
    """Return every word of a profile."""
    parts = Profile.model_json_schema()["$defs"].values()
    return sorted({word for part in parts for word in part.get("properties", ())})


def _meant(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, [name for name in known if name != word], n=1)
    return f" (did you mean {near[0]}?)" if near else ""


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
