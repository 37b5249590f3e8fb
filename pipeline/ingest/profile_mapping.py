"""A profile's ``mapping``: how a canonical field is made of a tenant's record.

Belongs here: the rules' words, and their form in the journal. Does not belong here: applying them
(``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from pipeline.ingest.paths import JsonPath, parse_path
from pipeline.ingest.profile_words import Condition, OptionalText, PathTo, Strict, Text, texts_of_yaml_keys
from pipeline.settings_types import Zone

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
Epoch = Literal["epoch_seconds", "epoch_milliseconds", "epoch_microseconds"]
Cast = Literal["text", "integer", "boolean", Epoch, "instant", "local", "texts"]
ValueMap = Annotated[
    Mapping[str, OptionalText],
    BeforeValidator(texts_of_yaml_keys),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            "minProperties": 1,
        }
    ),
]


class FieldRule(Strict):
    """How one field is made: of a ``path``, the first of several, a ``template`` or a ``constant``.

    Then come, in this order, ``extract``, ``map``, ``cast``, ``default``, ``only_if``.
    """

    path: PathTo | None = None
    "Where the record has it."
    first_of: tuple[PathTo, ...] = ()
    "The first of these that is not null."
    template: str | None = None
    "A text with paths in it: `{user.id}/{type}`; null where one of them is."
    constant: Text | None = None
    "Always this."
    extract: str | None = None
    "A regular expression (RE2) with one group; a text that does not match stays as it is."
    map: ValueMap | None = None
    "Source value to ours; `~` = null, on either side."
    unknown: Literal["keep", "quarantine"] = "quarantine"
    "What is done with a value that `map` lacks: kept as it is, or its record quarantined."
    cast: Cast | None = None
    "What the source's value is: turned into the canonical form where it can be, left as it is where not."
    format: str | None = None
    "For `instant` and `local`: the pattern (strptime)."
    zone: Zone | None = None
    "For `instant` without offset: where its clock stands (default UTC)."
    separator: str | None = None
    "For `texts`: what parts them."
    default: Text | None = None
    "Instead of null."
    only_if: Condition | None = None
    "Null unless the record fits."

    @field_validator("template")
    @classmethod
    def _has_paths(cls, value: str | None) -> str | None:
        if value is not None:
            for path in _PLACE.findall(value):
                parse_path(path)
        return value

    @model_validator(mode="after")
    def _has_one_source(self) -> FieldRule:
        sources = (self.path is not None, bool(self.first_of), self.template is not None, self.constant is not None)
        if sum(sources) != 1:
            message = "a field comes of one thing: 'path', 'first_of', 'template' or 'constant'"
            raise ValueError(message)
        if self.format is not None and self.cast not in {"instant", "local"}:
            message = "'format' belongs to 'cast: instant' or 'cast: local'"
            raise ValueError(message)
        return self

    @property
    def paths(self) -> tuple[JsonPath, ...]:
        """The paths that its value comes of."""
        if self.template is not None:
            return tuple(parse_path(place) for place in _PLACE.findall(self.template))
        return self.first_of if self.path is None else (self.path,)

    @property
    def reads(self) -> tuple[JsonPath, ...]:
        """Every path that it looks at."""
        return (*self.paths, *((self.only_if.path,) if self.only_if else ()))

    def as_data(self) -> Any:
        """Return the rule as the journal writes it: a list where it is a mere path, else an object of texts."""
        if self.path is not None and self.model_fields_set <= {"path"}:
            return list(self.path)
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        if self.map is not None:
            data["map"] = [[key, value] for key, value in self.map.items()]
            data["unknown"] = self.unknown
        if self.template is not None:
            data["template"] = _parts(self.template)
        return data


def _parts(template: str) -> list[Any]:
    """Take a template apart: texts, and paths as lists."""
    parts: list[Any] = []
    for position, piece in enumerate(_PLACE.split(template)):
        if position % 2:
            parts.append(list(parse_path(piece)))
        elif piece:
            parts.append(piece)
    return parts


def _rule(value: object) -> object:
    """Read a mere path as the rule that it is; what YAML took for a number or a truth is told as a path's mistake."""
    return value if isinstance(value, dict | FieldRule) else {"path": value}


Rule = Annotated[FieldRule, BeforeValidator(_rule, json_schema_input_type=PathTo | FieldRule)]


class FlaggedDeletions(Strict):
    """A deleted record comes with a mark on it."""

    kind: Literal["flag"]
    when: Condition
    "How the mark looks."
    at: PathTo | None = None
    "Where the record has the instant; without it, that of its last change."
    cast: Epoch | None = None
    "How that instant is written, where it is a number."


class Absence(Strict):
    """A deleted record is one that two complete snapshots in a row do not have.

    A snapshot is a reading of everything: every one without `incremental`, else those that its `full_every` brings,
    from the same `start` on, where it has one. A snapshot with far fewer records than the last is no snapshot:
    ``max_drop`` is the largest share that may go at once.
    """

    kind: Literal["absence"]
    max_drop: float = Field(default=0.2, gt=0, le=1)
    "The largest share of the records that may go at once."


class AnswerRule(Strict):
    """An answer that HTTP does not tell apart: known by its status, by what its body says, or by both."""

    status: tuple[int, ...] = ()
    "These statuses; none = any."
    body: Condition | None = None
    "What the body, as JSON, says."

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.status and self.body is None:
            message = "an error is known by 'status', by 'body', or by both"
            raise ValueError(message)
        return self

    def fits(self, status: int, value: Any) -> bool:
        """Say whether an answer is meant; ``value`` is its body, None where it is no JSON."""
        if self.status and status not in self.status:
            return False
        return self.body is None or (value is not None and self.body.holds(value))


class ErrorRule(AnswerRule):
    """What an answer means, where HTTP does not say it: by its status, by what its body says, or by both.

    ``retry``: the same again, later. ``refresh_token``: once more with another token. ``ignore``: there is nothing,
    and this is the end. ``quarantine``: the answer is kept as one rejected record, and this is the end.
    ``split_window``: the time window is halved. ``expired``: the place is forgotten, as 410 says. ``fail``: the stream
    fails at once.
    """

    do: Literal["retry", "refresh_token", "ignore", "quarantine", "split_window", "expired", "fail"]
    "What is done then."
