"""A profile's ``records`` and what goes with it: where a page has its records, and what they inherit from around them.

Belongs here: the words. Does not belong here: cutting a page by them (``pipeline.ingest.nested``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from pipeline.ingest.paths import JsonPath, parse_path
from pipeline.ingest.profile_words import NamesTo, PathTo, Strict

MayBe = Literal["absent", "single"]
Names: TypeAlias = Mapping[str, JsonPath] | str | None


def checked_names(value: Names) -> Names:
    """Return names that a record can have at its top.

    Raises:
        ValueError: one is none.

    """
    for name in (value,) if isinstance(value, str) else value or ():
        if not name or set(name) & set(".[]"):
            message = f"{name!r} is to be a name at the top of the record, without dots and brackets"
            raise ValueError(message)
    return value


class Level(Strict):
    """A list, and what its elements inherit from what it stands in: the page, or an element of the list outside.

    What an outer list's elements inherit, and their key, all records inside inherit too. In each of `nested`,
    `records` is needed, and a path in an element of the list outside; empty = that element is itself a list.
    """

    records: NamesTo = ("items",)
    "Where the list is, by names alone; empty = the page itself."
    inherit: Mapping[str, PathTo] = Field(default_factory=dict, json_schema_extra={"examples": [{"asset_id": "id"}]})
    "Name in the record: where what holds the list has the value, outside the list. Nothing where nothing stands there."
    key_as: str | None = None
    "An object stands at `records`, and its members are meant: the name in the record that gets each one's key."
    value_as: str | None = None
    "Records that are no objects, such as texts in a list, become one: the name in it that gets the value."
    may_be: tuple[MayBe, ...] = ()
    "What `records` may be besides a list: `absent` (or null, or an empty text), which is an empty list; `single`, one \
record by itself, as converters from XML write it."

    @field_validator("inherit", "key_as", "value_as")
    @classmethod
    def _are_names(cls, value: Names) -> Names:
        return checked_names(value)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.key_as is not None and "single" in self.may_be:
            message = "an object is either many records ('key_as') or one ('may_be: [single]')"
            raise ValueError(message)
        return self

    @property
    def given_names(self) -> tuple[str, ...]:
        """The names that it puts into a record."""
        return tuple(name for name in (*self.inherit, self.key_as, self.value_as) if name is not None)


class Nested(Level):
    """A list in each element of the list outside: its elements are the records, or hold the next list."""

    records: NamesTo
    "Where an element of the list outside has its list, by names alone; empty = the element is a list itself."
    has_more: PathTo | None = None
    "Where an element of the list outside says true where its list is cut off: then the stream fails, so none is lost."


class Attach(Strict):
    """What a page has in another list beside its records, and a record names: the record inherits from it."""

    source: NamesTo = Field(alias="from")
    "Where the page has the list, by names alone; a page without it has nothing to attach."
    where: Mapping[str, PathTo] = Field(min_length=1, json_schema_extra={"examples": [{"id": "owner.id"}]})
    "Path in an element of that list: path in the record, where the same stands; the first element that fits counts."
    inherit: Mapping[str, PathTo] = Field(min_length=1)
    "Name in the record: path in the element. Nothing where none fits."

    @field_validator("inherit")
    @classmethod
    def _are_names(cls, value: Names) -> Names:
        return checked_names(value)

    @field_validator("where")
    @classmethod
    def _are_paths(cls, value: Mapping[str, PathTo]) -> Mapping[str, PathTo]:
        for path in value:
            parse_path(path)
        return value


class Records(Level):
    """The way to the records of a page, with the words of a list for the list that the page has.

    Paging counts what that list has; everything else is about the records.
    """

    one_record: bool = False
    "What stands there is one record, and no list of them."
    nested: tuple[Nested, ...] = ()
    "Lists inside the list's elements, from the outside in: the innermost one's elements are the records."
    attach: tuple[Attach, ...] = ()
    "What records inherit from other lists of the page, such as the `included` of JSON:API."

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        if self.one_record and (self.inherit or self.key_as or self.may_be or self.attach):
            message = "'one_record' is the whole of what stands there: 'inherit', 'attach', 'key_as', 'may_be' are not"
            raise ValueError(message)
        if any(level.value_as for level in self.levels[:-1]):
            message = "'value_as' belongs to the innermost list, for its elements are the records"
            raise ValueError(message)
        names = self.inherited_names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"a record can inherit one value under a name: {', '.join(twice)} is there twice"
            raise ValueError(message)
        return self

    @property
    def levels(self) -> Sequence[Level]:
        """The lists, from the outside in."""
        return (self, *self.nested)

    @property
    def inherited_names(self) -> tuple[str, ...]:
        """The names that its records have beside their own."""
        levels = chain.from_iterable(level.given_names for level in self.levels)
        return (*levels, *chain.from_iterable(one.inherit for one in self.attach))

    @property
    def is_as_listed(self) -> bool:
        """Whether the records are the elements of the page's list, with nothing added."""
        return not self.nested and not self.inherited_names
