"""What should not be in a text that went out: what is another partner's, internal, or in another language.

Belongs here: who can read a write, what in it is not theirs. Does not belong here: living.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.end_to_end.months import Months, Record

EVERYBODY: Final = "everybody"
# Words that no German or Spanish sentence has.
_ENGLISH: Final = re.compile(r"\b(the|your|you|is|are|to|and|please|view|download|redistribute|deny|version(?= \d))\b")
_IDS: Final = re.compile(r"\b[PV]-\d{3,}\b")
_TO_A_PARTNER: Final = frozenset({
    "postNotice", "createComment", "moveRequest", "moveIssue", "publishAccessRules", "changeCampaignTask",
})  # fmt: skip


def texts(value: Any) -> Iterator[str]:
    """Give every text in a body, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def reader_of(months: Months, write: Record) -> str | None:
    """Name the partner who can read a write, or say that several can; None where no partner can."""
    operation, body = write["operation"], write["body"]
    if operation not in _TO_A_PARTNER:
        return None
    if operation == "postNotice":
        return str(body["partner_id"])
    if operation in {"moveRequest", "moveIssue"}:
        stream = "requests" if operation == "moveRequest" else "issues"
        return str(months.by_id(stream)[write["subject_id"]]["partner_id"])
    if operation == "createComment":
        if body.get("visibility") == "internal":
            return None
        thread = {"request": "requests", "issue": "issues", "notice": "notices"}.get(body["thread_type"])
        return EVERYBODY if thread is None else str(months.by_id(thread)[body["thread_id"]]["partner_id"])
    return EVERYBODY


def strangers_named(months: Months, write: Record) -> set[str]:
    """List the ids and names in a write that are not its reader's own."""
    reader = reader_of(months, write)
    if reader is None:
        return set()
    text = "\n".join(texts(write["body"]))
    own_ids = {reader} | {vip for vip, grid in months.partner_of.items() if grid == reader}
    names = months.names_of_partners
    own_names = names.get(reader, set())
    strange = {
        name
        for partner, known in names.items()
        if partner != reader
        for name in known
        if name in text and not any(name in own for own in own_names)
    }
    return strange | (set(_IDS.findall(text)) - own_ids)


def asides_quoted(write: Record, asides: list[str]) -> list[str]:
    """List the internal comments that a write quotes."""
    text = "\n".join(texts(write["body"]))
    return [aside for aside in asides if aside in text]


def internal_comments(months: Months) -> list[str]:
    """List every text that an internal comment of people ever had."""
    comments = [c for c in months.feeds["comments"] if c["visibility"] == "internal" and c["external_key"] is None]
    return sorted({comment["body"] for comment in comments if comment["body"]})


def english_lines(body: str) -> list[str]:
    """List the lines of a notice that are English; VIP's own text is what is indented, or after a dash in a list."""
    ours = [line.partition(" \N{EN DASH} ")[0] for line in body.splitlines() if not line.startswith("    ")]
    return [line for line in ours if _ENGLISH.search(line)]
