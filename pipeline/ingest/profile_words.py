"""The words that every part of a profile is written with: paths, spans, instants, conditions.

Belongs here: how they are written, checked and described to editors. Does not belong here: what they are about
(the other ``pipeline.ingest.profile_*`` modules).
"""

from __future__ import annotations

from datetime import timedelta
from string import Formatter
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from pipeline import settings_types
from pipeline.ingest.paths import JsonPath, found_at, parse_path, text_of


def _path(value: object) -> object:
    if isinstance(value, bool):
        message = "it is read by YAML as true or false: write it in quotes"
        raise ValueError(message)  # noqa: TRY004 - it came from outside
    if not isinstance(value, str | list | tuple):
        message = f"{value!r} is no path: write a.b, rows[0].id, keys[name=asset].value, or a list of names"
        raise ValueError(message)  # noqa: TRY004 - it came from outside
    return parse_path(value) if isinstance(value, str) else value


def _names(value: object) -> object:
    path = _path(value)
    if isinstance(path, tuple) and any(str(step).startswith("[") for step in path):
        message = (
            f"{value!r} leads through a list: what stands here is a way of names, a.b.c, to one list; 'nested' goes on"
        )
        raise ValueError(message)
    return path


def _text(value: object) -> object:
    """Read what YAML takes for a number as the text that it is in JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _texts(value: object) -> object:
    return [value] if isinstance(value, str | int | float) else value


_PATH_SCHEMA: dict[str, Any] = {
    "description": "a.b.c, rows[0].id, keys[name=asset].value, roles[*].name; a list where a name has a dot.",
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
}
_SPAN_SCHEMA: dict[str, Any] = {
    "description": "A span of time: 90s, 15m, 36h, 7d, 2w, or a sum such as 1d 12h.",
    "type": "string",
    "pattern": r"^\s*(\d+\s*(ms|s|m|h|d|w)\s*)+$",
}
_INSTANT_SCHEMA: dict[str, Any] = {"description": "An instant: 2026-03-02T08:00:00Z.", "type": "string"}
_SCALARS = ["string", "number", "boolean", "null"]

PathTo: TypeAlias = Annotated[JsonPath, BeforeValidator(_path), WithJsonSchema(_PATH_SCHEMA)]
NamesTo: TypeAlias = Annotated[JsonPath, BeforeValidator(_names), WithJsonSchema(_PATH_SCHEMA)]
Span: TypeAlias = Annotated[settings_types.Span, WithJsonSchema(_SPAN_SCHEMA)]
Instant: TypeAlias = Annotated[settings_types.Instant, WithJsonSchema(_INSTANT_SCHEMA)]
Text: TypeAlias = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
OptionalText: TypeAlias = Annotated[str | None, BeforeValidator(_text), WithJsonSchema({"type": _SCALARS})]

HOUR = timedelta(hours=1)
NONE = timedelta(0)


class Strict(BaseModel):
    """A part of a profile: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Condition(Strict):
    """What is asked of a JSON value: something at ``path``, one of these values there, or that it is absent or present.

    Without anything but ``path``: that it is there and not null.
    """

    path: PathTo
    "Where the value stands."
    one_of: Annotated[tuple[OptionalText, ...] | None, BeforeValidator(_texts)] = Field(
        default=None, json_schema_extra={"examples": [["A", "B"]]}
    )
    "The values that fit; null = absent."
    none_of: Annotated[tuple[OptionalText, ...] | None, BeforeValidator(_texts)] = None
    "The values that do not fit."
    state: Literal["present", "absent"] | None = Field(default=None, alias="is")
    "Whether something other than null stands there."

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Condition:
        if sum(part is not None for part in (self.one_of, self.none_of, self.state)) > 1:
            message = "a condition asks one thing: 'one_of', 'none_of' or 'is'"
            raise ValueError(message)
        return self

    def holds(self, value: Any) -> bool:
        """Say whether a value fits."""
        text = text_of(found_at(value, self.path))
        if self.one_of is not None:
            return text in self.one_of
        if self.none_of is not None:
            return text not in self.none_of
        return (text is None) == (self.state == "absent")


def texts_of_yaml_keys(value: object) -> object:
    """Read the keys of a map: YAML takes ``NO`` for false and ``~`` for null."""
    if not isinstance(value, dict):
        return value
    if any(isinstance(key, bool) for key in value):
        message = "a key is read by YAML as true or false: write it in quotes"
        raise ValueError(message)
    return {"" if key is None else str(key): part for key, part in value.items()}


def names_in(text: str) -> set[str]:
    """Return the names in braces.

    Raises:
        ValueError: a brace has no other.

    """
    return {name for _, name, _, _ in Formatter().parse(text) if name}
