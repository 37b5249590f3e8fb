"""A profile's ``paging``: how one gets from a page to the next, and how one knows the last.

Belongs here: the kinds, their words, their defaults. Does not belong here: doing it (``pipeline.ingest.paging``,
``pipeline.ingest.windows``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.ingest.profile_words import PathTo, Span, Strict, names_in

Stop = Literal["empty", "short", "no_content"]


class SinglePage(Strict):
    """Everything comes at once."""

    kind: Literal["single_page"]
    stop: tuple[Stop, ...] = ()
    "`no_content`: a 204 is an empty page."


class Pages(Strict):
    """Words of every kind but `single_page` and `time_window`."""

    size_param: str | None = None
    "The parameter that says how many records a page is to have."
    size: int = Field(default=1000, ge=1)
    "How many."
    has_more: PathTo | None = None
    "Where a page says true as long as more follows."
    ends: PathTo | None = None
    "Where a page says true when it is the last."
    stop: tuple[Stop, ...] = ()
    "What else is the end: an `empty` page, one `short` of `size`, a 204 (`no_content`)."
    total: PathTo | None = None
    "Where a page says how many records there are in all: an end before that many is a loss, and so is a fall of it."


class CursorPaging(Pages):
    """The page names the next page's cursor; a missing one is the end."""

    kind: Literal["cursor"]
    param: str = "cursor"
    "The parameter that takes it."
    cursor: PathTo = ("next_cursor",)
    "Where the page has it."
    header: str | None = None
    "The answer's header that has it, instead."
    on_expired: Literal["restart", "full_refresh"] = "restart"
    "What is done when the source has forgotten a cursor: ask the same again from the start, or for everything."


class PageNumberPaging(Pages):
    """Pages are numbered; the end is an empty page, unless something else says so."""

    kind: Literal["page_number"]
    param: str = "page"
    "The parameter that takes the number."
    first: int = 1
    "The first page's number."
    pages: PathTo | None = None
    "Where a page says how many there are."


class OffsetPaging(Pages):
    """Pages begin at a number of records; the end is an empty page, unless something else says so."""

    kind: Literal["offset"]
    param: str = "offset"
    "The parameter that takes the number of records before the page."
    size_param: str | None = "limit"
    "The parameter that says how many records a page is to have."


class HeaderLinkPaging(Pages):
    """The next page's address stands in the header ``Link`` (RFC 8288, ``rel=next``), or alone in another header."""

    kind: Literal["header_link"]
    header: str = "Link"
    "The header."
    on_expired: Literal["restart", "full_refresh"] = "restart"
    "What is done when the source has forgotten the page of a link."


class JsonLinkPaging(Pages):
    """The next page's address stands in the page; it is followed on the same origin only."""

    kind: Literal["json_link"]
    link: PathTo = ("next",)
    "Where the page has it."
    on_expired: Literal["restart", "full_refresh"] = "restart"
    "What is done when the source has forgotten the page of a link."


class KeysetPaging(Pages):
    """The next page begins behind a value of the last record; the end is an empty page.

    Where several records may have one value, some would be lost at a page's border: `ties` or `inclusive` prevents it.
    """

    kind: Literal["keyset"]
    param: str
    "The parameter that takes it."
    key: PathTo
    "Where a record has it; the records come in its order."
    ties: Mapping[str, PathTo] = Field(default_factory=dict, json_schema_extra={"examples": [{"after.id": "id"}]})
    "Parameter: where a record has what orders those of one value; it takes the last record's too."
    inclusive: bool = False
    "The next page begins with the records of that very value: they come twice and are counted as duplicates."
    expression: str | None = Field(default=None, json_schema_extra={"examples": ["id gt {last}"]})
    "Where `param` is a filter's text: that text, with `{last}` for the value, and `{name}` for each of `ties`."
    joined: str = " and "
    "What stands between what `param` says already (as `incremental` has it) and the `expression`."
    start: str | int | None = None
    "The value for the first page; without it, that is asked for without one."

    @model_validator(mode="after")
    def _is_expressed(self) -> KeysetPaging:
        if self.expression is not None:
            if strange := sorted(names_in(self.expression) ^ {"last", *self.ties}):
                message = f"'expression' has {{last}} and each of 'ties' in it, and no other: see {{{strange[0]}}}"
                raise ValueError(message)
            if self.start is not None and self.ties:
                message = "'start' with an 'expression' is for one value, without 'ties'"
                raise ValueError(message)
        return self


class StatefulScroll(Pages):
    """The source remembers where we are: the same request gives the next page; the end is an empty one.

    A page that was sent and did not arrive is lost, so nothing is asked twice: after a failure, and after an answer
    that is to be tried again, the scroll begins anew (inside windows of time, that window's).
    """

    kind: Literal["stateful_scroll"]
    param: str | None = None
    "The parameter that takes the scroll's id, where there is one."
    scroll: PathTo = ("scrollid",)
    "Where the page has the id."


Within = Annotated[
    SinglePage
    | CursorPaging
    | PageNumberPaging
    | OffsetPaging
    | HeaderLinkPaging
    | JsonLinkPaging
    | KeysetPaging
    | StatefulScroll,
    Field(discriminator="kind"),
]


class TimeWindows(Strict):
    """The time since the last pull is asked for window by window; one that is too full is halved.

    Needs ``incremental`` of kind ``datetime`` with ``start`` and ``end_param``, or an ``expression`` with ``{end}``.
    """

    kind: Literal["time_window"]
    step: Span
    "How long a window is."
    smallest: Span = timedelta(seconds=1)
    "How short it may get."
    most: int | None = Field(default=None, ge=1)
    "As many records in one window are too many: the source gives no more."
    total: PathTo | None = None
    "Where a page says how many records the window has; without it those of its first page are counted."
    within: Within = SinglePage(kind="single_page")
    "The paging inside a window."

    @model_validator(mode="after")
    def _can_be_halved(self) -> TimeWindows:
        if not timedelta(0) < self.smallest <= self.step:
            message = "'smallest' is more than nothing and not more than 'step'"
            raise ValueError(message)
        return self


Paging = Annotated[
    SinglePage
    | CursorPaging
    | PageNumberPaging
    | OffsetPaging
    | HeaderLinkPaging
    | JsonLinkPaging
    | KeysetPaging
    | StatefulScroll
    | TimeWindows,
    Field(discriminator="kind"),
]
