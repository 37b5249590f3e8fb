"""The header of a SQL model: the comment it begins with, part of which is executable.

Belongs here: its words and how they are read. Does not belong here: the SELECT (``pipeline.sqlmodels.model``), what
the words make happen (``pipeline.sqlmodels.runner``, ``pipeline.sqlmodels.increments``).

    -- One row per partner and asset that is entitled or has obtained anything.
    -- Grain: partner_id, asset_id
    -- Refresh: by partner_id, asset_id
    -- Changes at: freshness.obtained.obtained_at
    -- Published with: as_of, data_late of position
    -- After: ledger.actions

``Grain`` is checked at every run. ``Published with`` names what is joined when the table is read or published, because
it changes on every row at every turn. ``After`` orders the model behind a step that is no SQL. ``Stored plain`` names
texts that are another one in nearly every row: packing them takes most of the time of writing, and saves little.

``Refresh`` says what a turn computes: ``full`` everything, then compared with what was there; ``by <keys>`` the keys
that something touched; ``append`` what arrived, added; ``append by <keys>`` the touched keys of a table in which rows
are only added and in which a key without rows has none in what it reads; ``sums of <relations>`` the changed rows of
these alone, whose sums are added to those that are there (all columns but the grain are counts).

A refresh by keys touches, by itself, the keys of every changed row of an input that bears them, and of an input that
bears some of them all keys with these. Beyond the columns' names it is told:

    -- Changes at: core.acknowledgments.occurred_at      a row of that input counts from this instant on
    -- Keyed in: core.deliveries(subject_type = 'delivery', subject_id = delivery_id)   the keys' other names there
    -- Touched by: core.notices(thread_id = notice_id) through core.comments_history   reaches keys by way of another
    -- Only with: core.campaign_partners(partner_id)       a key has rows here only if that has one (`where` may follow)
    -- Spine: core.access_events                         a key has rows here only if it has rows there
    -- Follows: audit.first_verdicts                     it has a new key's rows in the turn in which the spine has them
    -- Unmoved by: ops.turns                             no row that is there already depends on it
    -- Numbers: seq for subject_type, subject_id, edition    a running number that a row keeps

    -- Replayed: turn by turn                            a row says how things looked in the turn that added it

A row that carries ``next_change_at`` is computed again when that instant has come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(
    r"(Grain|Refresh|Published with|After|Changes at|Keyed in|Touched by|Only with|Spine|Follows|Unmoved by|Numbers"
    r"|Replayed|Severity|Stored plain): *(.+)"
)
_LINK: Final = re.compile(r"(\w+[.]\w+) *[(]([^()]*)[)](?: through (\w+[.]\w+))?(?: where (.+))?")
_REFRESH: Final = re.compile(r"full|append|(?:append )?by (\w+(?:, \w+)*)|sums of (\w+[.]\w+(?:, \w+[.]\w+)*)")
_NUMBERS: Final = re.compile(r"(\w+) for (\w+(?:, \w+)*)")


@dataclass(frozen=True, slots=True)
class Link:
    """How keys are found in a relation.

    ``columns`` are pairs: a key's name (with ``through``, a column's of that relation), and what equals it in the
    relation, a column's name or a quoted text. ``where`` says which of its rows are meant.
    """

    relation: str
    columns: tuple[tuple[str, str], ...]
    through: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a turn computes of a model; no ``keys`` and not ``only_adds`` = all of it."""

    said: str = "full"
    keys: tuple[str, ...] = ()
    only_adds: bool = False
    keyed_in: tuple[Link, ...] = ()
    touched_by: tuple[Link, ...] = ()
    only_with: tuple[Link, ...] = ()
    changes_at: tuple[tuple[str, str], ...] = ()
    sums_of: tuple[str, ...] = ()
    spine: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    unmoved_by: frozenset[str] = frozenset()
    number: str | None = None
    numbered: tuple[str, ...] = ()
    is_replayed: bool = False

    def __str__(self) -> str:
        """Return what the header's line says."""
        return self.said

    @property
    def is_full(self) -> bool:
        """Say whether the model is computed whole."""
        return not self.keys and not self.only_adds and not self.sums_of


@dataclass(frozen=True, slots=True)
class Header:
    """The sentences of a header, and its lines by word, in order."""

    description: str
    lines: Mapping[str, Sequence[str]]

    def one(self, word: str, otherwise: str = "") -> str:
        """Return what the last line with that word says."""
        return self.lines[word][-1] if self.lines.get(word) else otherwise

    def names(self, word: str) -> tuple[str, ...]:
        """Return the names that the lines with that word list."""
        return tuple(name.strip() for listed in self.lines.get(word, ()) for name in listed.split(",") if name.strip())

    def refresh(self, inputs: Sequence[str]) -> Refresh:
        """Return what the header says of refreshing.

        Raises:
            ValueError: a line that cannot be read, or names what the model does not read.

        """
        said = self.one("Refresh", "full")
        found = _REFRESH.fullmatch(said)
        if not found:
            message = f"its refresh {said!r} is none of: full, append, by <keys>, append by <keys>, sums of <relations>"
            raise ValueError(message)
        number, numbered = self._numbers()
        refresh = Refresh(
            said=said,
            keys=_listed(found.group(1)),
            sums_of=_listed(found.group(2)),
            only_adds=said.startswith("append"),
            keyed_in=self._links("Keyed in"),
            touched_by=self._links("Touched by"),
            only_with=self._links("Only with"),
            changes_at=tuple(_column(name) for name in self.names("Changes at")),
            spine=frozenset(self.names("Spine")),
            follows=frozenset(self.names("Follows")),
            unmoved_by=frozenset(self.names("Unmoved by")),
            number=number,
            numbered=numbered,
            is_replayed=self.one("Replayed") == "turn by turn",
        )
        named = {link.relation for link in (*refresh.keyed_in, *refresh.touched_by, *refresh.only_with)}
        named |= {relation for relation, _ in refresh.changes_at} | refresh.spine | refresh.follows | refresh.unmoved_by
        named |= set(refresh.sums_of)
        if unread := sorted(named - set(inputs)):
            message = f"its header names {', '.join(unread)}, which it does not read"
            raise ValueError(message)
        return refresh

    def _links(self, word: str) -> tuple[Link, ...]:
        links = []
        for line in self.lines.get(word, ()):
            found = _LINK.findall(line)
            if not found:
                message = f"its line '{word}: {line}' is not read as relation(column = column)"
                raise ValueError(message)
            links += [
                Link(relation, _pairs(columns), through or None, where or None)
                for relation, columns, through, where in found
            ]
        return tuple(links)

    def _numbers(self) -> tuple[str | None, tuple[str, ...]]:
        said = self.one("Numbers")
        found = _NUMBERS.fullmatch(said)
        if said and not found:
            message = f"its line 'Numbers: {said}' is not read as column for columns"
            raise ValueError(message)
        return (found.group(1), tuple(found.group(2).split(", "))) if found else (None, ())


def read_header(text: str) -> Header:
    """Read the comment that a model begins with."""
    sentences: list[str] = []
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        said = line.removeprefix("--").strip()
        found = _LINE.fullmatch(said)
        if found:
            lines.setdefault(found.group(1), []).append(found.group(2))
        elif said:
            sentences.append(said)
    return Header(" ".join(sentences), lines)


def _listed(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _pairs(columns: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for column in columns.split(","):
        left, _, right = (part.strip() for part in column.partition("="))
        pairs.append((left, right or left))
    return tuple(pairs)


def _column(name: str) -> tuple[str, str]:
    relation, _, column = name.rpartition(".")
    return relation, column
