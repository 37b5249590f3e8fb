"""The reference of a profile's words, as a page for people.

Belongs here: making docs/profiles_reference.md from the types. Does not belong here: the words
(``pipeline.ingest.profile_*``), how to write a profile (docs/profiles.md).
``python -m pipeline.ingest.profile_reference`` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.ingest.paths import spelled
from pipeline.ingest.profile import Profile
from pipeline.ingest.profile_auth import Auth
from pipeline.ingest.profile_incremental import Incremental
from pipeline.ingest.profile_limits import Budget, Limits, RateHeaders
from pipeline.ingest.profile_mapping import ErrorRule, FieldRule
from pipeline.ingest.profile_paging import Pages, Paging
from pipeline.ingest.profile_records import Attach, Level, Nested, Records
from pipeline.ingest.profile_stream import Deletions, Each, GraphQL, Source, StreamProfile
from pipeline.ingest.profile_words import Condition
from pipeline.ingest.profile_writes import Lookup, Operation, WriteRule

FILE: Final = Path(__file__).parents[2] / "docs" / "profiles_reference.md"
_HEAD: Final = """\
# Every word of a profile

Made from the program itself (`python -m pipeline.ingest.profile_reference`), as is the JSON Schema that editors use
(`connections/profile.schema.json`). [profiles.md](profiles.md) says how a profile is written.

- A **path** says where a value stands: `a.b.c`; `rows[0].id`; `keys[name=asset].value` (the first element of the list
  `keys` whose `name` is `asset`); `roles[*].name` (of every element, as a list); `""` the whole; a YAML list of names
  where a name has a dot: `[a.b, c]`. In `paging`, `watermark` and a page's `inherit`, `header:X-Total-Count` is what a
  header of the answer says.
- A **span** is `90s`, `15m`, `36h`, `7d`, `2w`, or a sum such as `1d 12h`.
- A **parameter** is a name in the query; where the request has a body, it is a path in the body (`page.from`,
  `filter.ranges[0].from`), with GraphQL one in the variables. Sizes, numbers and epochs are numbers in a body.
- What is `needed` has no default.
"""


def reference_text() -> str:
    """Return the page."""
    parts = [_HEAD]
    for title, models in _chapters():
        parts.append(f"\n## {title}\n")
        parts += [_section(model, is_alone=len(models) == 1) for model in models]
    return "".join(parts)


def _chapters() -> Iterator[tuple[str, Sequence[type[BaseModel]]]]:
    yield "The file", (Profile,)
    yield "auth", _kinds(Auth)
    yield "limits", (Limits, Budget, RateHeaders)
    yield "defaults, streams", (StreamProfile, Source, Each, GraphQL)
    yield "records", (Records, Level, Nested, Attach)
    yield "paging", (*_kinds(Paging), Pages)
    yield "incremental", _kinds(get_args(Incremental)[0])
    yield "mapping", (FieldRule,)
    yield "keep, only_if, when, errors.body: a condition", (Condition,)
    yield "deletions", _kinds(Deletions)
    yield "errors", (ErrorRule,)
    yield "writes", (Operation, WriteRule, Lookup)


def _kinds(union: Any) -> Sequence[type[BaseModel]]:
    found = get_args(union)
    while found and not isinstance(found[0], type):
        found = get_args(found[0])
    return [kind for kind in found if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _section(model: type[BaseModel], *, is_alone: bool) -> str:
    kind = model.model_fields.get("kind")
    name = get_args(kind.annotation)[0] if kind is not None else _NAMES.get(model, model.__name__)
    title = "" if is_alone else f"\n### {name}\n"
    own = _own_fields(model)
    rows = "".join(
        f"| `{field.alias or word}` | {_default(field)} | {_meaning(field)} |\n"
        for word, field in own
        if word != "kind"
    )
    table = f"\n| word | default | meaning |\n|---|---|---|\n{rows}" if rows else ""
    return f"{title}\n{_prose(model.__doc__)}\n{table}"


def _own_fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(word, field) for word, field in model.model_fields.items() if not _is_told_above(model, word, field)]


def _is_told_above(model: type[BaseModel], word: str, field: FieldInfo) -> bool:
    if model is StreamProfile:
        return word in Source.model_fields
    if model is Nested:
        return word in Level.model_fields
    if issubclass(model, Records) and model is not Records:
        return word in Records.model_fields
    if model is Records:
        return word in Level.model_fields
    inherited = Pages.model_fields.get(word) if issubclass(model, Pages) and model is not Pages else None
    return inherited is not None and inherited.default == field.default


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
    if value is PydanticUndefined:
        return "needed"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"`{_span(value)}`"
    if isinstance(value, BaseModel):
        kind = getattr(value, "kind", None)
        return f"`{kind}`" if kind else "see there"
    return f"`{spelled(value) if isinstance(value, tuple) else value}`" if value != "" else "nothing"


def _span(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % unit == 0:
            return f"{seconds / unit:.0f}{name}"
    return f"{seconds:g}s"


def _meaning(field: FieldInfo) -> str:
    return f"{_prose(field.description)} {_choices(field)}".strip().replace("|", "\\|")


def _choices(field: FieldInfo) -> str:
    words = [word for word in _words(field.annotation) if isinstance(word, str)]
    return f"One of {', '.join(f'`{word}`' for word in words)}." if len(words) > 1 else ""


def _words(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        elif part is not type(None):
            yield from _words(part)


def _prose(text: str | None) -> str:
    return re.sub(r"``", "`", " ".join((text or "").split()))


_NAMES: Final[dict[type[BaseModel], str]] = {
    Limits: "limits",
    Budget: "limits.budgets",
    RateHeaders: "limits.rate_headers",
    StreamProfile: "a stream",
    Source: "a stream, and each of `also`",
    Each: "each",
    GraphQL: "graphql",
    Records: "a stream, each of `also`, and a list of deletions",
    Level: "these, and each of `nested`",
    Nested: "each of `nested`, besides",
    Attach: "attach",
    Pages: "words of every kind of pages",
    Operation: "one write",
    WriteRule: "errors of a write",
    Lookup: "lookup",
}

if __name__ == "__main__":
    FILE.write_text(reference_text(), encoding="utf-8")
