"""Statements: sentences with the evidence that they rest on.

Belongs here: their shape, for people and for programs. Does not belong here: any sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.explaining.wording import numbered


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a statement rests on: events of the trail by ``seq``, and records by kind and id."""

    seqs: tuple[int, ...] = ()
    records: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it behind a sentence."""
        trail = (f"trail {numbered(self.seqs)}",) if self.seqs else ()
        return "; ".join((*trail, *self.records))


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence; ``at`` is when it happened or will."""

    text: str
    at: datetime | None = None
    evidence: Evidence = field(default_factory=Evidence)

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "text": self.text,
            "at": self.at,
            "seqs": list(self.evidence.seqs),
            "records": list(self.evidence.records),
        }


@dataclass(frozen=True, slots=True)
class Section:
    """Statements under one heading; ``name`` is what programs call it."""

    name: str
    title: str
    statements: Sequence[Statement]


def says(text: str, *records: str, at: datetime | None = None, seqs: Sequence[int] = ()) -> Statement:
    """Make a statement: the text begins with a capital letter and ends with a full stop."""
    full = text[:1].upper() + text[1:]
    return Statement(full if full.endswith((".", ":")) else f"{full}.", at, Evidence(tuple(seqs), records))
