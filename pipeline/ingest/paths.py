"""Paths into JSON values: ``a.b``, ``rows[0].id``, ``keys[name=asset].value``, ``roles[*].name``.

Belongs here: how a path is written, what stands at it, putting something there. Does not belong here: pages
(``pipeline.ingest.pages``), the same paths in SQL (``pipeline.sqlmodels.mapped``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

JsonPath: TypeAlias = tuple[str, ...]

EACH: Final = "[*]"
_STEP: Final = re.compile(r"((?:^|(?<=.)\.)[^.\[\]]+)|(\[(?:\*|\d+|[^\[\]=]+=[^\[\]]*)\])")


def parse_path(text: str) -> JsonPath:
    """Read a path; the empty text is the value itself.

    Raises:
        ValueError: it is none.

    """
    steps: list[str] = []
    end = 0
    while end < len(text):
        match = _STEP.match(text, end)
        if match is None:
            message = f"{text!r} is no path: write a.b, rows[0].id, keys[name=asset].value, or a list of names"
            raise ValueError(message)
        steps.append(match[2] or match[1].removeprefix("."))
        end = match.end()
    return tuple(steps)


def spelled(path: Sequence[str]) -> str:
    """Write a path as messages do."""
    return ".".join(path).replace(".[", "[")


def index_of(step: str) -> int | None:
    """Return the place that a step ``[n]`` names, None where it is another step."""
    inner = step[1:-1] if step.startswith("[") else ""
    return int(inner) if inner.isdecimal() else None


def choice_of(step: str) -> tuple[str, str] | None:
    """Return the name and the text that a step ``[name=text]`` asks for, None where it is another step."""
    if not step.startswith("[") or "=" not in step:
        return None
    name, _, text = step[1:-1].partition("=")
    return name, text


def found_at(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, None where nothing does; at ``[*]`` the list of what stands in each."""
    for position, step in enumerate(path):
        if isinstance(value, Mapping) and not step.startswith("["):
            value = value.get(step)
        elif isinstance(value, list) and step == EACH:
            return [found_at(part, path[position + 1 :]) for part in value]
        elif isinstance(value, list) and (index := index_of(step)) is not None:
            value = value[index] if index < len(value) else None
        elif isinstance(value, list) and (choice := choice_of(step)) is not None:
            value = next((part for part in value if text_of(found_at(part, (choice[0],))) == choice[1]), None)
        else:
            return None
    return value


def text_of(value: Any) -> str | None:
    """Return a JSON value as text: strings as they are, everything else as JSON writes it."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def put_at(target: Any, path: Sequence[str], value: Any) -> None:
    """Put a value at a path of objects and lists that are made where they are missing.

    Raises:
        ValueError: something else stands in the way.

    """
    for step, following in zip(path, [*path[1:], None], strict=True):
        index = index_of(step)
        empty: Any = [] if following is not None and following.startswith("[") else {}
        if index is not None and isinstance(target, list):
            target.extend({} for _ in range(index + 1 - len(target)))
            if following is None:
                target[index] = value
            target = target[index]
        elif index is None and isinstance(target, dict):
            target[step] = value if following is None else target.get(step, empty)
            target = target[step]
        else:
            message = f"nothing can be put at {spelled(path)}: {step} does not fit what is there"
            raise ValueError(message)
