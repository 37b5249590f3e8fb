"""Paths that lead into an answer's headers: ``header:X-Total-Count``, where a path into the page would do.

Belongs here: which of them a profile names, and putting what stands there beside a page's values. Does not belong here:
paths into JSON (``pipeline.ingest.paths``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from pipeline.ingest.client import Answer
from pipeline.ingest.pages import CutPage
from pipeline.ingest.profile_paging import TimeWindows, Within
from pipeline.ingest.profile_stream import Source

HEADER: Final = "header:"


def headers_named(pagings: Iterable[Within | TimeWindows | None], source: Source) -> Sequence[str]:
    """Return the steps of a profile's paths that are headers, each as it is written there."""
    of_paging = [word for paging in pagings if paging is not None for _, word in paging]
    words: Iterable[Any] = (*of_paging, source.watermark, *source.inherit.values())
    return tuple(dict.fromkeys(_steps(words)))


def with_headers(page: CutPage, answer: Answer, headers: Sequence[str]) -> CutPage:
    """Return a page with headers among its values; numbers, true and false are read as such."""
    if not headers:
        return page
    found = {step: answer.headers.get(step.removeprefix(HEADER).strip().lower()) for step in headers}
    values = {step: _read(text) for step, text in found.items() if text is not None}
    return replace(page, values={**page.values, **values})


def _steps(words: Iterable[Any]) -> Iterator[str]:
    for word in words:
        if isinstance(word, tuple) and len(word) == 1 and str(word[0]).startswith(HEADER):
            yield word[0]


def _read(text: str) -> Any:
    try:
        value = msgspec.json.decode(text.strip().lower())
    except (msgspec.DecodeError, UnicodeError):
        return text
    return value if isinstance(value, bool | int) else text
