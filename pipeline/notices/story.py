"""The story of a notice: what was decided about it, when, why, and what became of it, out of the journal.

Belongs here: finding a notice by any of its names, the entries that are about it, in words. Does not belong here: how
that is shown (``cli``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipeline.ledger.journal import Entry, Journal
from pipeline.notices.reasons import REASONS, RULES, spoken

_DECIDED: Final = "notice_decided"
_SHARED: Final = (
    "candidate_key",
    "partner_id",
    "asset_id",
    "version_no",
    "kind",
    "step",
    "pattern",
    "decision",
    "notice_due_at",
)
_ACTION: Final = "action_decided"
_PERSON: Final = "decision"
_KINDS: Final = frozenset(
    {
        _DECIDED,
        _ACTION,
        _PERSON,
        "action_leased",
        "action_sent",
        "action_unknown",
        "action_failed",
        "action_dead",
        "action_suppressed",
    }
)
_EVENTS: Final = {
    "action_leased": "an attempt to send it began",
    "action_unknown": "nobody knows whether it arrived",
    "action_failed": "the attempt failed",
    "action_dead": "it was given up",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the journal about the notice, in words."""

    seq: int
    known_at: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """A candidate's last decision (``candidate``), its action's frozen text, and all that happened, in order."""

    candidate: dict[str, Any]
    action_key: str | None
    subject: str | None
    happenings: tuple[Happening, ...]
    was_sent: bool


def read_story(journal: Journal, name: str, remote_key: str | None = None) -> Story | None:
    """Return the story of a candidate's or an action's key; ``remote_key`` is the key under which a target lists it.

    Raises:
        StateError: the journal cannot be read.

    """
    entries = list(journal.entries(_KINDS))
    wanted = {name} | ({remote_key} if remote_key else set())
    candidates = [
        decided
        for decided in map(_decided, entries)
        if decided is not None and (decided["candidate_key"] in wanted or decided["action_key"] in wanted)
    ]
    if not candidates:
        return None
    last = candidates[-1]
    key = str(last["candidate_key"])
    keys = {decided["action_key"] for decided in candidates if decided["candidate_key"] == key} - {None}
    batches = {entry.data["batch"] for entry in entries if entry.kind == _ACTION and entry.source_id in keys} - {None}
    own = [entry for entry in entries if _is_about(entry, key, keys, batches)]
    actions = [entry for entry in own if entry.kind == _ACTION]
    return Story(
        candidate=last,
        action_key=last["action_key"],
        subject=str(actions[-1].data["payload"].get("subject")) if actions else None,
        happenings=tuple(happening for entry in own for happening in _told(entry)),
        was_sent=any(entry.kind == "action_sent" for entry in own),
    )


def _decided(entry: Entry) -> dict[str, Any] | None:
    """Return the decision about one candidate that an entry holds: its own, or that of its action."""
    if entry.kind == _DECIDED:
        return dict(entry.data)
    if entry.kind != _ACTION or entry.data.get("decision") is None:
        return None
    own = {"action_key": entry.source_id, "rule": entry.data["reason"], "reason": None, "until": None}
    evidence = {name: entry.data["evidence"][name] for name in ("position", "records")}
    return {**{name: entry.data[name] for name in _SHARED}, **own, "evidence": evidence}


def _is_about(entry: Entry, candidate_key: str, keys: set[str], batches: set[str]) -> bool:
    if entry.kind == _DECIDED:
        return entry.source_id == candidate_key
    if entry.kind == _PERSON:
        return entry.data.get("subject") in {candidate_key, *keys, *batches}
    return entry.source_id in keys


def _told(entry: Entry) -> Iterator[Happening]:
    decided = _decided(entry)
    if decided is not None and entry.kind == _ACTION:
        yield Happening(entry.seq, entry.known_at, _decision(decided))
    yield Happening(entry.seq, entry.known_at, _text(entry))


def _text(entry: Entry) -> str:
    data = entry.data
    if entry.kind == _DECIDED:
        return _decision(data)
    if entry.kind == _ACTION:
        items = len(data.get("candidate_keys") or ())
        what = f"its text was frozen, with {items - 1} others in one" if items else "its text was frozen"
        return f"{what}: {data['payload'].get('subject')!r}"
    if entry.kind == _PERSON:
        return f"{entry.actor} decided to {data['kind']} it: {entry.reason}"
    if entry.kind == "action_sent":
        how = "it was found there" if data.get("how") == "found" else "it was sent"
        return f"{how}, and is {data['remote_id']} there" if data.get("remote_id") else how
    if entry.kind == "action_suppressed":
        return f"the last look held it back: {spoken(data.get('reason'), REASONS)}"
    error = f": {data['error']}" if data.get("error") else ""
    return f"{_EVENTS[entry.kind]}{error}"


def _decision(data: dict[str, Any] | Any) -> str:
    why = spoken(data["reason"], REASONS)
    if data["decision"] == "suppressed":
        return f"not sent: {why}"
    if data["decision"] == "deferred":
        return f"deferred until {data.get('until')}: {why}"
    if data["decision"] == "digested":
        return f"to go with others, because {spoken(data['rule'], RULES)}"
    if data["decision"] == "held_for_approval":
        return f"held for a person's approval; due because {spoken(data['rule'], RULES)}"
    return f"to be sent, because {spoken(data['rule'], RULES)}"
