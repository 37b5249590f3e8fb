"""A profile's ``writes``: how a payload becomes a request, what its answer means, and how one finds out what was made.

Belongs here: the words, and which payload fields there are for them. Does not belong here: sending
(``resources.rest_writes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.ingest.paths import parse_path
from pipeline.ingest.profile_incremental import checked_format
from pipeline.ingest.profile_mapping import AnswerRule, ErrorRule
from pipeline.ingest.profile_records import Records
from pipeline.ingest.profile_stream import GraphQL, refuse_bodies
from pipeline.ingest.profile_words import PathTo, Strict, Text, texts_of_yaml_keys

Scalar: TypeAlias = bool | int | str
_OF_A_LOOK_UP: Final = ("retry", "refresh_token", "ignore", "fail")

OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "post_notice": (
        "partner_id", "kind", "asset_id", "version_no", "package_id", "due_at", "subject", "body", "language",
        "details",
    ),
    "retract_notice": ("notice_id", "reason"),
    "create_comment": ("thread_type", "thread_id", "partner_id", "body", "visibility"),
    "move_request": ("request_id", "to_status", "comment"),
    "move_issue": ("issue_id", "to_status", "comment", "duplicate_of"),
    "change_campaign_task": ("task_id", "status"),
    "publish_access_rules": ("group_id", "rules", "summary"),
    "create_delivery": ("partner_id", "asset_id", "version_no", "channel", "request_id", "package_id", "expires_at"),
    "open_review": ("asset_id", "version_no", "issue_id", "reason"),
    "answer_review": ("review_id", "status", "replacement_version_no", "reason"),
}  # fmt: skip
"""Operation: the fields of its payload, as the contracts have them (``connections/*/openapi.yaml``)."""


def _places(path: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(path) if name)


class WriteRule(AnswerRule):
    """What an answer to a write means, where HTTP does not say it: by its status, by what its body says, or by both.

    ``retry``: it had no effect, and is tried again later. ``refresh_token``: once more with another token.
    ``look_up``: it may have had its effect, as after a 409. ``ignore``: it is as it was to be, and counts as done.
    ``fail``: it had no effect and never will have, and waits for a person.
    """

    do: Literal["retry", "refresh_token", "look_up", "ignore", "fail"]
    "What is done then."


class Lookup(Records):
    """How to ask which of our keys the remote has; the words of `records` say where its answer has them."""

    method: Literal["GET", "POST"] = "GET"
    "POST only where the list is read that way."
    path: str
    "Below base_url; with `{key}` in it one key is asked for at a time, and what comes is of that key."
    param: str = "external_key"
    "The parameter that takes a key; repeated for several; in a body a list of them (with `batch: 1` the key alone)."
    separator: str | None = Field(default=None, min_length=1)
    "What stands between several keys, where the parameter takes all of them in one text."
    query: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, in the query."
    headers: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, as headers; nothing secret."
    body: Mapping[str, Any] | None = None
    "For POST: the JSON body, which gets the keys at the path that `param` names."
    graphql: GraphQL | None = None
    "A GraphQL question, posted, whose variables get the keys."
    key: PathTo = ("external_key",)
    "Where a record has our key."
    id: PathTo
    "Where it has the remote's id."
    batch: int = Field(default=50, ge=1)
    "How many keys are asked for at once."
    errors: tuple[ErrorRule, ...] = ()
    "What its answers mean: `retry`, `refresh_token`, `ignore` (none of these keys is there), `fail`."

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        refuse_bodies(self)
        if strange := sorted(_places(self.path) - {"key"}):
            message = f"a look-up knows the key alone: its path has {{{strange[0]}}}"
            raise ValueError(message)
        if others := [rule.do for rule in self.errors if rule.do not in _OF_A_LOOK_UP]:
            message = f"{others[0]!r} is nothing for a look-up: it can {', '.join(_OF_A_LOOK_UP)}"
            raise ValueError(message)
        return self

    @property
    def is_by_path(self) -> bool:
        """Whether the path has the key."""
        return "key" in _places(self.path)

    @property
    def size(self) -> int:
        """How many keys one request asks for."""
        return 1 if self.is_by_path else self.batch


class Operation(Strict):
    """One write; docs/writes.md has the operations and their fields, docs/connections.md what becomes of an answer."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    "The HTTP method."
    path: str
    "Below base_url; `{name}` is the payload's field of that name, which then leaves the body."
    query: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, in the query."
    headers: Mapping[str, Text] = Field(default_factory=dict)
    "Sent always, as headers; nothing secret."
    graphql: GraphQL | None = None
    "A GraphQL mutation: paths in the body are paths in its variables then."
    fields: Mapping[str, PathTo] = Field(default_factory=dict)
    "Payload field: its path in the body, where they differ."
    drop: tuple[str, ...] = ()
    "Payload fields that are not sent."
    nulls: Literal["send", "leave_out"] = "send"
    "Whether a field without a value is sent as null."
    integers: tuple[str, ...] = ()
    "Payload fields that are numbers in the body."
    instants: Mapping[str, str] = Field(
        default_factory=dict, json_schema_extra={"examples": [{"due_at": "epoch_seconds"}]}
    )
    "Payload field that is an instant: how it is written, in the words of `incremental`'s `format`."
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
    errors: tuple[WriteRule, ...] = ()
    "What its answers mean, where HTTP does not say it; the first rule that fits counts."
    lookup: Lookup | None = None
    "How to find again what was made."

    @field_validator("constants")
    @classmethod
    def _are_paths(cls, value: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
        for path in value:
            parse_path(path)
        return value

    @field_validator("instants")
    @classmethod
    def _are_formats(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for written in value.values():
            checked_format(written)
        return value

    @model_validator(mode="after")
    def _says_one_thing_of_a_field(self) -> Self:
        kinds = {"fields": self.fields, "integers": self.integers, "instants": self.instants, "values": self.values}
        for word, names in kinds.items():
            if dropped := sorted({*names} & {*self.drop}):
                message = f"{dropped[0]} is dropped, and {word!r} says how it is sent"
                raise ValueError(message)
        ways = [*self.integers, *self.instants, *self.values]
        if twice := sorted({name for name in ways if ways.count(name) > 1}):
            message = f"{twice[0]} is written in one way: 'integers', 'instants' or 'values'"
            raise ValueError(message)
        if dropped := sorted(self.path_fields & {*self.drop}):
            message = f"{dropped[0]} is dropped, and the path needs it"
            raise ValueError(message)
        return self

    @property
    def path_fields(self) -> frozenset[str]:
        """The payload fields that stand in the path."""
        return _places(self.path)

    @property
    def named_fields(self) -> Mapping[str, tuple[str, ...]]:
        """The payload fields that each word names."""
        return {
            "path": tuple(sorted(self.path_fields)),
            "fields": tuple(self.fields),
            "drop": self.drop,
            "integers": self.integers,
            "instants": tuple(self.instants),
            "values": tuple(self.values),
        }
