"""A profile's streams: how one stream of a tenant's API is asked for and read.

Belongs here: what one stream's part of a profile says. Does not belong here: paging, incremental and mapping by
themselves (``pipeline.ingest.profile_paging`` and its neighbours), the whole profile (``pipeline.ingest.profile``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Protocol, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.ingest.paths import EACH, JsonPath, parse_path
from pipeline.ingest.profile_incremental import ByInstant, ClientSide, Incremental, refuse_partial_readings
from pipeline.ingest.profile_mapping import Absence, ErrorRule, FlaggedDeletions, Rule
from pipeline.ingest.profile_paging import CursorPaging, KeysetPaging, Paging, StatefulScroll, TimeWindows
from pipeline.ingest.profile_path import params_in
from pipeline.ingest.profile_records import Records, checked_names
from pipeline.ingest.profile_words import Condition, PathTo, Strict, Text, names_in

Personal = Literal["keep", "drop", "pseudonymise"]
END_FIELDS: Final = ("deleted_at", "removed_at", "left_at", "valid_to", "redacted_at", "retracted_at", "revoked_at")


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict) else value


Kept: TypeAlias = Annotated[
    tuple[Condition, ...],
    BeforeValidator(_listed, json_schema_input_type=Condition | tuple[Condition, ...]),
]


class GraphQL(Strict):
    """A GraphQL question; paging and incremental put their words among its variables."""

    query: str
    "The question's text."
    variables: Mapping[str, Any] = Field(default_factory=dict)
    "What its variables are besides."


class DeletionFeed(Records):
    """Deleted records stand in a list of their own, read after the stream with the same start.

    Where it is asked for otherwise than the stream, `method`, `body`, `graphql`, `headers`, `incremental` and `errors`
    say how. Where both are asked by instants, the list starts where the stream does, with its lookback and lag;
    otherwise it goes on from its own last end. Its records need no more than the key and the instant: ``mapping`` names
    every required field of the stream and the one that says when it ended.
    """

    kind: Literal["feed"]
    method: Literal["GET", "POST"] = "GET"
    "POST only where the list is read that way."
    path: str
    "Below base_url, as a stream's."
    query: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, in the query."
    headers: Mapping[str, Text] | None = None
    "Sent always, as headers; by default the stream's."
    body: Mapping[str, Any] | None = None
    "For POST: the JSON body, as a stream's."
    graphql: GraphQL | None = None
    "A GraphQL question, posted, as a stream's."
    keep: Kept = ()
    "Only records that fit all of these are of this stream, where the list has the deleted of several."
    paging: Paging = CursorPaging(kind="cursor", has_more=("has_more",), size_param="limit")
    "How one pages through it."
    incremental: Incremental | None = None
    "How the start is said to it; by default as it is to the stream."
    mapping: Mapping[str, Rule]
    "Canonical field: how it is made of a record of this list."
    errors: tuple[ErrorRule, ...] | None = None
    "What its answers mean; by default what the stream's do."

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _refuse_misfits(self)
        return self


Deletions = Annotated[FlaggedDeletions | DeletionFeed | Absence, Field(discriminator="kind")]


class Count(Strict):
    """The source can say how many records there are: one request instead of reading them all a second time.

    Takes the words of ``incremental`` for a window.
    """

    path: str | None = None
    "Below base_url, as a stream's; by default the stream's own."
    query: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, in the query, besides the stream's."
    total: PathTo
    "Where the answer has the number of records; with `nested`, of these, and not of what holds them."


class _Asked(Protocol):
    """What is asked with a body, or without."""

    @property
    def method(self) -> str:
        """The HTTP method."""

    @property
    def body(self) -> Mapping[str, Any] | None:
        """The JSON body."""

    @property
    def graphql(self) -> GraphQL | None:
        """The GraphQL question."""


def refuse_bodies(way: _Asked) -> None:
    """Refuse two bodies, and one that is not posted.

    Raises:
        ValueError: it is so.

    """
    if way.body is not None and way.graphql is not None:
        message = "'body' and 'graphql' exclude each other"
        raise ValueError(message)
    if way.body is not None and way.method == "GET":
        message = "'body' needs 'method: POST'"
        raise ValueError(message)


def _refuse_misfits(way: Source | DeletionFeed) -> None:
    """Refuse what a way into a stream, or the list of its deleted, cannot be together.

    Raises:
        ValueError: bodies that do not fit, or windows of a time that nothing names.

    """
    refuse_bodies(way)
    params_in(way.path, way.paging, way.incremental)
    within = way.paging.within if isinstance(way.paging, TimeWindows) else way.paging
    if isinstance(within, KeysetPaging) and within.expression is not None and within.param in way.query:
        message = f"{within.param} stands in 'query' and has an 'expression' in 'paging': write all of it there"
        raise ValueError(message)
    if isinstance(way.paging, TimeWindows):
        by = way.incremental
        if not isinstance(by, ByInstant) or not by.says_end or by.start is None:
            message = (
                "paging by time_window needs 'incremental' with kind datetime, 'start', and 'end_param' or an"
                " 'expression' with {end}"
            )
            raise ValueError(message)


class Asked(Records):
    """A list that is asked for page by page."""

    method: Literal["GET", "POST"] = "GET"
    "POST only where the source reads that way."
    query: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, in the query."
    headers: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, as headers; nothing secret."
    body: Mapping[str, Any] | None = None
    "For POST: the JSON body; paging and incremental put their words into it, at the paths that they name."
    graphql: GraphQL | None = None
    "A GraphQL question, posted."
    keep: Kept = ()
    "Only records that fit all of these belong to the stream; the others are counted on their page and not landed."
    paging: Paging = CursorPaging(kind="cursor", has_more=("has_more",), size_param="limit")
    "How one gets from a page to the next; by default a cursor at `next_cursor` while `has_more` is true."
    errors: tuple[ErrorRule, ...] = ()
    "What an answer means, where HTTP does not say it; the first rule that fits counts."

    @property
    def is_posted(self) -> bool:
        """Whether paging and incremental put their words into a body."""
        return self.method == "POST" or self.graphql is not None


class Each(Asked):
    """The stream is asked for once for each element of another list, which is read whole first, at every pull.

    Each question bears what `gives` names; the records inherit it.
    """

    path: str
    "Where that list is, below base_url."
    gives: Mapping[str, PathTo] = Field(min_length=1, json_schema_extra={"examples": [{"asset_id": "id"}]})
    "Name: where an element has the value. `{name}` in the stream's `path` is that value, and records get it as `name`."
    params: Mapping[str, str] = Field(default_factory=dict)
    "Parameter of the stream's questions: the name whose value it takes."

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        refuse_bodies(self)
        params_in(self.path, self.paging, None)
        checked_names(self.gives)
        if isinstance(self.paging, TimeWindows):
            message = "the list of 'each' is read whole, not by time_window"
            raise ValueError(message)  # noqa: TRY004 - it came from outside
        if strange := sorted(set(self.params.values()) - set(self.gives)):
            message = f"'params' names {strange[0]}, which 'gives' does not"
            raise ValueError(message)
        return self


class Source(Asked):
    """One way into a stream: what is asked, how one pages through it, and what its records are."""

    path: str = "/v1/{stream}"
    "Below base_url; `{stream}` is the stream's name, `{name}` a variable of the connection, or a parameter."
    each: Each | None = None
    "The stream is asked for once for each element of another list, such as the versions of each asset."
    incremental: Incremental | None = None
    "How only what changed is asked for; without it, everything is, each time."
    mapping: Mapping[str, Rule] = Field(default_factory=dict)
    "Canonical field: how it is made, where the record does not have it under its own name."
    watermark: PathTo | None = None
    "Where a page says up to when the feed is whole."

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _refuse_misfits(self)
        if self.each is not None:
            self._refuse_each(self.each)
        return self

    def _refuse_each(self, each: Each) -> None:
        by = self.incremental
        if not (by is None or isinstance(by, ClientSide) or (isinstance(by, ByInstant) and by.cursor is None)):
            message = "with 'each', changes are asked for by instants without 'cursor', or are told here (client_side)"
            raise ValueError(message)
        within = self.paging.within if isinstance(self.paging, TimeWindows) else self.paging
        if isinstance(within, StatefulScroll):
            message = "'each' and a scroll whose place the source keeps exclude each other"
            raise ValueError(message)  # noqa: TRY004 - it came from outside
        if not names_in(self.path) & {*each.gives} and not each.params:
            named = ", ".join(f"{{{name}}}" for name in each.gives)
            message = f"'path' has none of what 'each' gives ({named}), and 'params' is empty: all were asked alike"
            raise ValueError(message)

    @property
    def path_params(self) -> tuple[str, ...]:
        """The parameters that stand in the path."""
        return params_in(self.path, self.paging, self.incremental)

    @property
    def inherited_names(self) -> tuple[str, ...]:
        """The names that its records have beside their own."""
        return (*super().inherited_names, *(self.each.gives if self.each else ()))


class StreamProfile(Source):
    """How one stream is read.

    A further way starts where the stream does if both are asked by instants; otherwise it goes on from its own end.
    """

    unknown_fields: Literal["keep", "quarantine"] = "keep"
    "What is done with a record that has a field which nobody maps: it is kept, or quarantined."
    personal: Mapping[str, Personal] = Field(default_factory=dict)
    "Path in the record: whether what stands there is kept, dropped, or replaced by a pseudonym, before it is stored."
    page_personal: Mapping[str, Personal] = Field(default_factory=dict)
    "The same for what a page has beside its records, which is stored with it: a path in the page."
    deletions: Deletions | None = None
    "How one hears of deleted records, where `deleted_at` (or what ends a record of the stream) does not say it."
    also: tuple[Source, ...] = ()
    "Further ways into the stream, read after it: by another date, say, or another list."
    count: Count | None = None
    "How the source says how many records it has, for `vipgrid connect reconcile`."
    snapshots: bool = True
    "Whether a pull of everything has every record that there is."

    @field_validator("personal", "page_personal")
    @classmethod
    def _are_paths(cls, value: Mapping[str, Personal]) -> Mapping[str, Personal]:
        for path in value:
            if not parse_path(path):
                message = "an empty path is everything: name what is personal"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _others_follow(self) -> Self:
        ways: tuple[Source, ...] = (self, *self.also)
        for way in ways:
            if way.each is not None and (cut := {path[0] for path in self.personal_paths} & {*way.each.gives}):
                message = f"{min(cut)} is personal, and would be kept in the addresses that 'each' makes of it"
                raise ValueError(message)
        if self.count is not None and self.count.path is None and self.path_params:
            message = f"'count' needs a 'path' of its own: the stream's has a place for {self.path_params[0]}"
            raise ValueError(message)
        if self.also and isinstance(self.deletions, Absence):
            message = "'also' and deletion by absence exclude each other"
            raise ValueError(message)
        if isinstance(self.deletions, Absence) and self.incremental is not None:
            refuse_partial_readings(self.incremental)
        return self

    @property
    def personal_paths(self) -> dict[JsonPath, Personal]:
        """What is cut, by path."""
        return _cut_paths(self.personal)

    def cut_around(self, source: Source) -> dict[JsonPath, Personal]:
        """Return what is cut of a page beside its records: also what these inherit from it, and is cut in them."""
        paths = _cut_paths(self.page_personal)
        for path, policy in self.personal_paths.items():
            if path[0] in source.inherit:
                paths[(*source.inherit[path[0]], *path[1:])] = policy
            for attach in source.attach:
                if path[0] in attach.inherit:
                    paths[(*attach.source, EACH, *attach.inherit[path[0]], *path[1:])] = policy
        return paths


def _cut_paths(policies: Mapping[str, Personal]) -> dict[JsonPath, Personal]:
    return {parse_path(path): policy for path, policy in policies.items() if policy != "keep"}
