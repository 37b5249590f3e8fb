"""What of a question stands in its path: parameters whose names are in braces there.

Belongs here: which of a way's parameters these are, and which cannot be. Does not belong here: a connection's variables
and what ``each`` gives (``pipeline.ingest.source``), which stand there too.
"""

from __future__ import annotations

from urllib.parse import quote

from pipeline.ingest.page_requests import Params
from pipeline.ingest.profile_incremental import ByInstant, BySequence, ByToken, Incremental
from pipeline.ingest.profile_paging import (
    CursorPaging,
    KeysetPaging,
    OffsetPaging,
    PageNumberPaging,
    Pages,
    Paging,
    StatefulScroll,
    TimeWindows,
)
from pipeline.ingest.profile_words import names_in


def params_in(path: str, paging: Paging, incremental: Incremental | None) -> tuple[str, ...]:
    """Return the parameters that a path has places for.

    Raises:
        ValueError: one of them is not said with the first page, so its place would be empty.

    """
    within = paging.within if isinstance(paging, TimeWindows) else paging
    always: set[str | None] = {within.size_param} if isinstance(within, Pages) else set()
    later: set[str | None] = set()
    if isinstance(within, PageNumberPaging | OffsetPaging):
        always.add(within.param)
    if isinstance(within, CursorPaging | StatefulScroll | KeysetPaging):
        later.add(within.param)
    if isinstance(within, KeysetPaging):
        later |= set(within.ties)
    if isinstance(incremental, ByInstant | BySequence):
        own = {incremental.param, getattr(incremental, "end_param", None)}
        (later if incremental.start is None else always).update(own)
    if isinstance(incremental, ByToken):
        later.add(incremental.param)
    named = names_in(path)
    if empty := sorted(name for name in later - always if name in named and name is not None):
        message = (
            f"'path' has {{{empty[0]}}}, which the first page does not have: numbers and offsets of pages, sizes,"
            " and what 'incremental' says from a 'start' on can stand there"
        )
        raise ValueError(message)
    return tuple(sorted(name for name in always if name in named and name is not None))


def with_params(path: str, params: Params, names: tuple[str, ...]) -> tuple[str, Params]:
    """Put parameters into their places in a path, and return it with the others."""
    for name in names:
        path = path.replace(f"{{{name}}}", quote(str(params[name]), safe=""))
    return path, {name: value for name, value in params.items() if name not in names}
