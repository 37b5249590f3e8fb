"""Deciding about what the patterns want: a desired action that the outbox does not have becomes one.

Belongs here: comparing ``sync.desired_actions`` with the outbox, the volume threshold of each pattern. Does not belong
here: what is desired (``sql/sync/*_actions.sql``), notices (``pipeline.actions.decide``).

An action's key is made of its text, so the same cause is the same action at every turn. A pattern that would touch too
many partners in one turn waits for a person, in a batch of its own: a bad import must not become ten thousand
deliveries. Rules that replace those of a group touch everybody who is in it; a group's first rules replace nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

from pipeline.actions.book import Book
from pipeline.actions.keys import action_key
from pipeline.actions.outbox import ACTION_DECIDED, Action, State
from pipeline.instants import format_instant
from pipeline.ledger.journal import Draft, Value
from pipeline.ledger.turns import Turn
from pipeline.notice_settings import ApprovalThreshold
from pipeline.settings import Settings
from pipeline.sqlmodels.relations import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One row of ``sync.desired_actions``; ``payload`` and ``evidence`` are JSON texts."""

    action_text: str
    pattern: str
    target_system: str
    operation: str
    subject_type: str
    subject_id: str
    step: str
    partner_id: str | None
    asset_id: str | None
    version_no: int | None
    payload: str
    reason: str
    rule: str
    evidence: str | None
    due_at: datetime | None
    is_urgent: bool
    owner: str | None
    waits_because: str | None
    late_streams: list[str] | None


@dataclass(frozen=True, slots=True)
class DesiredOutcome:
    """What was decided now: ``actions``, of which ``held`` wait for a person; ``messages`` say what is held back."""

    actions: int = 0
    held: int = 0
    messages: tuple[str, ...] = ()


_NAMES: Final = tuple(field.name for field in fields(Desired))
_GROUP: Final = "partner_group"
_REPLACES_RULES: Final = "rules_changed"
_MEMBERS: Final = """
    select group_id, list(distinct partner_id)
    from core.group_members
    where left_at is null or left_at > (select as_of from ops.question)
    group by group_id
"""


def read_desired(connection: Connection) -> list[Desired]:
    """Return what the patterns want, the urgent first, then by when it was due."""
    rows = connection.sql(
        f"select {', '.join(_NAMES)} from sync.desired_actions"  # noqa: S608 - names of ours
        " order by is_urgent desc, due_at nulls last, action_text"
    ).fetchall()
    return [Desired(**dict(zip(_NAMES, row, strict=True))) for row in rows]


def decide_desired(
    connection: Connection, book: Book, turn: Turn, settings: Settings, *, active_partners: int
) -> DesiredOutcome:
    """Decide about every desired action that is not decided; doing so again appends nothing.

    Where notices are redirected to a test partner, nothing is decided: a reconciliation changes real partners' cases.

    Raises:
        OSError: the journal cannot be written.

    """
    new = [(desired, key) for desired, key in _keyed(read_desired(connection)) if not _is_settled(book, key)]
    ready = [(desired, key) for desired, key in new if desired.waits_because is None]
    if settings.notices.redirect_to is not None:
        return DesiredOutcome(messages=_redirected([desired for desired, _ in new]))
    touched = _touched(connection, book, turn, [desired for desired, _ in ready])
    held_patterns = _too_large(book, turn, touched, settings.notices.approve_above, active_partners)
    book.write([_draft(book, turn, desired, key, is_held=desired.pattern in held_patterns) for desired, key in ready])
    return DesiredOutcome(
        actions=len(ready),
        held=sum(1 for desired, _ in ready if desired.pattern in held_patterns),
        messages=_late([desired for desired, _ in new if desired.waits_because is not None]),
    )


def batch_of(turn: Turn, pattern: str) -> str:
    """Return the name of the batch in which a pattern's actions of a turn wait for a person."""
    return f"{turn.id}-{pattern}"


def _keyed(desired: Sequence[Desired]) -> list[tuple[Desired, str]]:
    return [(one, action_key(one.action_text)) for one in desired]


def _is_settled(book: Book, key: str) -> bool:
    action = book.outbox.actions.get(key)
    return action is not None and (action.state is not State.SUPPRESSED or action.is_closed_by_person)


def _touched(connection: Connection, book: Book, turn: Turn, ready: Sequence[Desired]) -> Mapping[str, frozenset[str]]:
    """Return whom each pattern touches in this turn, with what it decided before a crash."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    own = [action.data for action in _own_actions(book, turn)]
    whole = [(str(d["pattern"]), d["partner_id"], d["subject_type"], str(d["subject_id"]), d["rule"]) for d in own]
    whole += [(d.pattern, d.partner_id, d.subject_type, d.subject_id, d.rule) for d in ready]
    for pattern, partner_id, subject_type, subject_id, rule in whole:
        if partner_id is not None:
            found[pattern].add(str(partner_id))
        elif subject_type == _GROUP and rule == _REPLACES_RULES:
            groups[pattern].add(subject_id)
    if groups:
        members: dict[str, list[str]] = dict(connection.sql(_MEMBERS).fetchall())
        for pattern, group_ids in groups.items():
            found[pattern].update(*(members.get(group_id, ()) for group_id in group_ids))
    return {pattern: frozenset(partners) for pattern, partners in found.items()}


def _own_actions(book: Book, turn: Turn) -> list[Action]:
    actions = book.outbox.actions.values()
    return [action for action in actions if action.run_id == turn.id and action.data.get("action_text") is not None]


def _too_large(
    book: Book, turn: Turn, touched: Mapping[str, frozenset[str]], above: ApprovalThreshold, active_partners: int
) -> frozenset[str]:
    """Return the patterns that touch too many partners, and those of which this turn held something before a crash."""
    held = {str(action.data["pattern"]) for action in _own_actions(book, turn) if action.batch is not None}
    too_many = {pattern for pattern, partners in touched.items() if above.is_passed_by(len(partners), active_partners)}
    return frozenset(held | too_many)


def _draft(book: Book, turn: Turn, desired: Desired, key: str, *, is_held: bool) -> Draft:
    data: dict[str, Value] = {
        "action_key": key,
        "action_text": desired.action_text,
        "pattern": desired.pattern,
        "target_system": desired.target_system,
        "operation": desired.operation,
        "payload": _payload(book.outbox.actions.get(key), desired),
        "reason": desired.reason,
        "rule": desired.rule,
        "evidence": json.loads(desired.evidence or "[]"),
        "subject_type": desired.subject_type,
        "subject_id": desired.subject_id,
        "partner_id": desired.partner_id,
        "redirect_to": None,
        "asset_id": desired.asset_id,
        "version_no": None if desired.version_no is None else str(desired.version_no),
        "kind": None,
        "step": desired.step,
        "candidate_key": None,
        "due_at": None if desired.due_at is None else format_instant(desired.due_at.astimezone(UTC)),
        "is_urgent": desired.is_urgent,
        "needs_approval": is_held,
        "batch": batch_of(turn, desired.pattern) if is_held else None,
        "owner": desired.owner,
    }
    return turn.draft(ACTION_DECIDED, data, source=desired.target_system, source_id=key, reason=desired.rule)


def _payload(before: Action | None, desired: Desired) -> Mapping[str, Value]:
    """Return the payload; what was ever on its way keeps its words: the target may know them under its key."""
    if before is not None and before.was_ever_leased and "payload" in before.data:
        return before.payload
    payload: dict[str, Value] = json.loads(desired.payload)
    return payload


def _late(waiting: Sequence[Desired]) -> tuple[str, ...]:
    by_pattern = Counter(desired.pattern for desired in waiting)
    streams = {desired.pattern: ", ".join(desired.late_streams or ()) for desired in waiting}
    return tuple(
        f"{pattern}: {count} actions wait, because what they rest on is late: {streams[pattern]}."
        for pattern, count in sorted(by_pattern.items())
    )


def _redirected(desired: Sequence[Desired]) -> tuple[str, ...]:
    if not desired:
        return ()
    by_pattern = ", ".join(f"{count} of {name}" for name, count in sorted(Counter(d.pattern for d in desired).items()))
    return (
        f"Not carried out, because notices.redirect_to is set and real partners' cases are left alone: {by_pattern}.",
    )
