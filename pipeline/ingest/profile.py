"""A connection's profile: how one tenant's HTTP API maps onto the canonical records.

Belongs here: the shape of the YAML file, its defaults, and the sentence that says what is wrong with
it. Does not belong here: secrets and addresses (``vipgrid.yaml``), HTTP (``resources.rest``), the
page loop (``pipeline.ingest.rest``). docs/connections.md explains it by example.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigurationError
from pipeline.settings import Instant, Span
from pipeline.streams import STREAMS


def _path(value: object) -> object:
    """Read ``a.b.c``; a name that has a dot is written in a list: ``[a.b, c]``."""
    if isinstance(value, str):
        return tuple(value.split(".")) if value else ()
    return value


Path_ = Annotated[tuple[str, ...], BeforeValidator(_path)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuth(_Strict):
    """The API asks for nothing."""

    kind: Literal["none"] = "none"


class Bearer(_Strict):
    """A token that does not change: secret ``token``."""

    kind: Literal["bearer"]


class ApiKey(_Strict):
    """A key in a header of the tenant's choice: secret ``api_key``."""

    kind: Literal["api_key"]
    header: str = "X-Api-Key"


class ClientCredentials(_Strict):
    """OAuth2 client credentials (RFC 6749, 4.4): secrets ``client_id`` and ``client_secret``.

    ``send``: as HTTP Basic or in the form (RFC 6749, 2.3.1). ``grant_in``: Trading Grid's own token
    service wants the grant type in the query.
    """

    kind: Literal["oauth2_client_credentials"]
    token_path: str = "/oauth2/token"  # noqa: S105 - a path
    send: Literal["basic", "body"] = "basic"
    grant_in: Literal["body", "query"] = "body"
    scope: str | None = None
    lifetime: Span | None = None


Auth = Annotated[NoAuth | Bearer | ApiKey | ClientCredentials, Field(discriminator="kind")]


class CursorPaging(_Strict):
    """The page names the next page's cursor; without ``has_more`` a missing cursor is the end."""

    kind: Literal["cursor"]
    param: str = "cursor"
    cursor: Path_ = ("next_cursor",)
    has_more: Path_ | None = None
    size_param: str | None = None
    size: int = Field(default=1000, ge=1)


class PageNumberPaging(_Strict):
    """Pages are numbered; the end is an empty page, or where ``has_more`` says so."""

    kind: Literal["page_number"]
    param: str = "page"
    first: int = 1
    has_more: Path_ | None = None
    size_param: str | None = None
    size: int = Field(default=1000, ge=1)


class OffsetPaging(_Strict):
    """Pages begin at a number of records; the end is an empty page, or where ``has_more`` says so."""

    kind: Literal["offset"]
    param: str = "offset"
    has_more: Path_ | None = None
    size_param: str | None = "limit"
    size: int = Field(default=1000, ge=1)


class LinkPaging(_Strict):
    """The next page's address stands in the page at ``link``, or in the ``Link`` header (RFC 8288)."""

    kind: Literal["link"]
    link: Path_ | None = None
    size_param: str | None = None
    size: int = Field(default=1000, ge=1)


class SinglePage(_Strict):
    """Everything comes at once."""

    kind: Literal["single_page"]


Paging = Annotated[
    CursorPaging | PageNumberPaging | OffsetPaging | LinkPaging | SinglePage, Field(discriminator="kind")
]


class Incremental(_Strict):
    """Only what changed since the last pull is asked for.

    ``lookback`` is asked for again each time; ``full_every``: how often everything is. ``start``:
    the first pull's value (None = everything).
    """

    param: str = "changed_since"
    lookback: Span = timedelta(hours=1)
    full_every: Span | None = None
    start: Instant | None = None


class StreamProfile(_Strict):
    """How one stream is read. ``{stream}`` in ``path`` is the stream's name.

    ``watermark``: where the page says up to when the feed is whole. ``mapping``: canonical field to
    its path in the record, where they differ. ``snapshots``: a pull without ``changed_since`` has
    every record that there is.
    """

    path: str = "/v1/{stream}"
    records: Path_ = ("items",)
    query: Mapping[str, str] = Field(default_factory=dict)
    paging: Paging = CursorPaging(kind="cursor", has_more=("has_more",), size_param="limit")
    incremental: Incremental | None = None
    watermark: Path_ | None = None
    mapping: Mapping[str, Path_] = Field(default_factory=dict)
    snapshots: bool = True


class Lookup(_Strict):
    """How to ask which of our keys the remote has.

    ``param`` is repeated, at most ``batch`` times a request; in each of ``records`` the key stands
    at ``key`` and the remote's id at ``id``.
    """

    path: str
    param: str = "external_key"
    records: Path_ = ("items",)
    key: Path_ = ("external_key",)
    id: Path_
    batch: int = Field(default=50, ge=1)


class Operation(_Strict):
    """One write. ``{name}`` in ``path`` is the payload's field of that name, which then leaves the body.

    ``fields``: payload field to its path in the body, where they differ. ``integers``: payload fields
    that are numbers there. ``id``: where the answer says how the remote calls it. ``key_field``: where
    the body repeats the idempotency key. ``may_be_repeated``: doing it twice is doing it once, so that
    an unknown outcome needs no look-up.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str
    fields: Mapping[str, Path_] = Field(default_factory=dict)
    integers: tuple[str, ...] = ()
    constants: Mapping[str, bool | int | str] = Field(default_factory=dict)
    id: Path_ | None = None
    key_header: str | None = "Idempotency-Key"
    key_field: str | None = None
    replayed_header: str = "Idempotency-Replayed"
    may_be_repeated: bool = False
    lookup: Lookup | None = None

    @property
    def path_fields(self) -> frozenset[str]:
        """The payload fields that stand in the path."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.path) if name)


class Limits(_Strict):
    """What is asked of the source at most, and what it may cost us."""

    requests_per_second: float = Field(default=10, gt=0)
    deadline: Span = timedelta(seconds=60)
    attempts: int = Field(default=8, ge=1)
    max_wait: Span = timedelta(seconds=120)
    max_body_bytes: int = Field(default=64 * 2**20, ge=1024)


class Profile(_Strict):
    """A whole profile; ``streams`` says where a stream differs from ``defaults``."""

    auth: Auth = NoAuth()
    limits: Limits = Limits()
    defaults: StreamProfile = StreamProfile()
    streams: Mapping[str, StreamProfile] = Field(default_factory=dict)
    writes: Mapping[str, Operation] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> Profile:
        unknown = sorted(set(self.streams) - set(STREAMS))
        if unknown:
            message = f"no such stream: {', '.join(unknown)}"
            raise ValueError(message)
        for stream, profile in self.streams.items():
            strange = sorted(set(profile.mapping) - set(STREAMS[stream].field_names))
            if strange:
                message = f"stream {stream} has no field {', '.join(strange)} to map"
                raise ValueError(message)
        return self

    def of_stream(self, stream: str) -> StreamProfile:
        """Return how a stream is read."""
        return self.streams.get(stream, self.defaults)


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        ConfigurationError: no file, not YAML, an unknown or wrong field; the sentence names the line.

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
        return Profile.model_validate(_with_defaults(raw))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = [str(part) for part in first["loc"]]
        line = _line_of(tree, where)
        named = ".".join(where) or "the file"
        message = f"The profile {path} is wrong at {named} (line {line}): {first['msg']}."
        raise ConfigurationError(message) from error


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


def _line_of(tree: yaml.Node | None, where: Sequence[str]) -> int:
    """Return the line, from 1, of the deepest node of the file on the way to a field."""
    node, line = tree, 1
    for name in where:
        if not isinstance(node, yaml.MappingNode):
            break
        found = [(key, value) for key, value in node.value if key.value == name]
        if found:
            line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line
